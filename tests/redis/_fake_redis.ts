// A Redis in memory, with latency and failures that the tests set. It runs the
// reducer in TypeScript instead of the script. `sequences_test.ts` compares the
// script with the reference on a real server.

import { redisHealth, type RedisSend } from "@fallback/stream/redis";
import {
  type Circuit,
  type CircuitEvent,
  clampTimes,
  CLOSED,
  reduce,
} from "../../src/health/_circuit.ts";
import type { ResolvedCircuitOptions } from "../../src/health/circuit_options.ts";
import {
  type Behavior,
  type Connection,
  type Database,
  request,
  type Traffic,
  WORKS,
} from "../health/_database.ts";

/** What all connections share. */
export class FakeRedis implements Database {
  /** How far the clock of the server is ahead of the test's, in milliseconds. */
  skewMs = 0;
  hasScript = false;
  /** The commands that arrived. */
  readonly commands: (readonly string[])[] = [];
  readonly #hashes = new Map<string, Map<string, Circuit>>();
  readonly #batches = new Map<string, { number: number; flags: string }>();

  connect(given: Partial<Behavior> = {}): Connection & { send: RedisSend } {
    const behavior: Behavior = { ...WORKS, ...given };
    const traffic: Traffic = { reads: 0, writes: 0, open: 0, mostOpen: 0 };
    const connection: Connection & { send: RedisSend } = {
      behavior,
      traffic,
      open: (options, prefix) =>
        redisHealth(connection.send, { ...options, ...prefix && { prefix } }),
      send: (args) =>
        request(connection, args[13] !== "0", () => this.#run(args)),
    };
    return connection;
  }

  #run(command: readonly string[]): string {
    this.commands.push(command);
    if (command[0] === "EVALSHA" && !this.hasScript) {
      throw new Error("NOSCRIPT No matching script.");
    }
    this.hasScript = true;
    const [circuitsKey, batchKey] = [command[3]!, command[4]!];
    const options = parseOptions(command.slice(5, 13));
    const [number, count] = command.slice(13, 15).map(Number) as [
      number,
      number,
    ];
    const hash = this.#hashes.get(circuitsKey) ?? new Map<string, Circuit>();
    this.#hashes.set(circuitsKey, hash);
    const now = Date.now() + this.skewMs;
    const fields = count < 0 ? [...hash.keys()] : command.slice(15, 15 + count);
    let flags = "-";
    const seen = this.#batches.get(batchKey);
    if (number > 0 && seen && seen.number >= number) flags = seen.flags;
    else if (number > 0) {
      flags = "";
      for (const text of command.slice(15 + count)) {
        const [type, index, at, retryAfterMs] = text.split(" ");
        const field = fields[Number(index) - 1]!;
        const stored = hash.get(field) ?? CLOSED;
        const time = Math.min(Number(at), now);
        const before = clampTimes(stored, now, options, time);
        const after = reduce(before, {
          type: type as CircuitEvent["type"],
          at: time,
          retryAfterMs: Number(retryAfterMs),
        }, options);
        if (after !== before) hash.set(field, after);
        flags += after === before ? "0" : "1";
      }
      this.#batches.set(batchKey, { number, flags });
    }
    const lines = fields.map((field) =>
      `${field} ${format(clampTimes(hash.get(field) ?? CLOSED, now, options))}`
    );
    return [`${now} ${flags}`, ...lines].join("\n");
  }
}

function parseOptions(texts: readonly string[]): ResolvedCircuitOptions {
  const [failureThreshold, windowMs, rate, minimumThroughput, ...rest] = texts
    .map(Number) as [number, number, number, number, number, number, number];
  const [cooldownMs, maxCooldownMs, maxRetryAfterMs] = rest;
  return {
    failureThreshold,
    windowMs,
    failureRateThreshold: rate < 0 ? undefined : rate,
    minimumThroughput,
    cooldownMs,
    maxCooldownMs,
    maxRetryAfterMs,
    isFailure: [],
    options: {},
  };
}

function format(circuit: Circuit): string {
  if (circuit.state === "closed") {
    const slices = circuit.window.map(({ at, calls, failures }) =>
      ` ${at},${calls},${failures}`
    );
    return `closed 0${slices.join("")}`;
  }
  const { retryAt, probing, failures, failedProbes } = circuit;
  return `open 0 ${retryAt} ${Number(probing)} ${failures} ${failedProbes}`;
}
