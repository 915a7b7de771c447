// One cell of the matrix: a client in a situation.

import {
  attemptsOf,
  fallbackStream,
  type HealthStore,
  type Model,
  usageOf,
} from "@fallback/stream";
import { retryAfterOf } from "../../src/_shared/retry_after.ts";
import { statusOf } from "../../src/_shared/http_status.ts";
import { Connection, type Script } from "./_connection.ts";
import type { Load } from "./_packages.ts";
import type { Situation } from "./_situations.ts";
import type { Wire } from "./wires/wire.ts";

/** A client of the matrix. */
export interface Client {
  readonly name: string;
  readonly wire: Wire;
  make(
    load: Load,
    fetch: typeof globalThis.fetch,
    name: string,
    /** Collects the types of the parts that arrive. */
    seen?: Set<string>,
  ): Promise<Model<string, string>>;
}

/** What happened in a cell. */
export interface Cell {
  readonly client: string;
  readonly situation: string;
  /** The text that the caller got, and the error or "end". */
  readonly outcome: string;
  /** The types of the parts, if a language model streams them. */
  readonly parts?: readonly string[];
  /** The outcomes that the health store got for the first model. */
  readonly health: string;
  /** What is not as expected. */
  readonly faults: readonly string[];
}

/** The timeout in situations that test it, in milliseconds. */
const SILENCE_MS = 150;

/** The timeout in other situations: packages are loaded lazily. */
const LOADING_MS = 10_000;

const OTHER: Model<string, string> = {
  name: "other",
  async *stream() {
    yield "other";
  },
};

class Reports implements HealthStore {
  readonly reports: string[] = [];
  admit() {
    return { admit: true } as const;
  }
  report(model: string, outcome: string) {
    if (model === "first") this.reports.push(outcome);
  }
}

/** Runs one client in one situation, in a chain with a second model that answers. */
export async function runCell(
  load: Load,
  client: Client,
  situation: Situation,
): Promise<Cell> {
  const connection = new Connection(situation.script(client.wire));
  const seen = new Set<string>();
  const first = await client.make(load, connection.fetch, "first", seen);
  const health = new Reports();
  const { connect, ending } = situation.script(client.wire);
  const isSilent = connect === "hang" || ending === "hang";
  const isEarly = situation.expected === "fallback";
  const timeouts = {
    firstContentMs: isSilent && isEarly ? SILENCE_MS : LOADING_MS,
    idleMs: isSilent ? SILENCE_MS : LOADING_MS,
  };
  let text = "";
  let failure: { error: unknown } | undefined;
  let attempts: ReturnType<typeof attemptsOf> = [];
  try {
    await using stream = await fallbackStream([first, OTHER], "hi", {
      timeouts,
      health,
    });
    attempts = stream.attempts;
    for await (const chunk of stream) text += chunk;
  } catch (error) {
    failure = { error };
    if (attempts.length === 0) attempts = attemptsOf(error);
  }
  const reports = health.reports.join();
  const faults: string[] = [];
  const expect = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) {
      faults.push(`${what} is ${String(actual)}, not ${String(expected)}`);
    }
  };
  expect("failed", Boolean(failure), situation.expected === "error");
  expect(
    "text",
    text,
    situation.expected === "fallback" ? "other" : "Hel",
  );
  expect(
    "health",
    reports,
    {
      fallback: "failure",
      error: "success,failure",
      complete: "success",
    }[situation.expected],
  );
  expect("open connections", connection.open, 0);
  expect("requests", connection.requests, 1);
  const error = attempts[0]?.error;
  if (situation.expected !== "complete") {
    expect("an Error", error instanceof Error, true);
  }
  if (situation.status) expect("status", statusOf(error), situation.status);
  if (situation.retryAfterMs) {
    expect("Retry-After", retryAfterOf(error), situation.retryAfterMs);
  }
  if (situation.expected === "complete" && first.name === "first") {
    const { inputTokens } = usageOf(attempts);
    if (inputTokens !== undefined) expect("input tokens", inputTokens, 3);
  }
  const end = failure ? describe(failure.error) : "end";
  const why = error === undefined ? "" : ` (${describe(error)})`;
  return {
    client: client.name,
    situation: situation.name,
    outcome: `${text}, ${end}${failure ? "" : why}`,
    ...(seen.size > 0 && { parts: [...seen].sort() }),
    health: reports,
    faults,
  };
}

/** How a caller may stop reading a stream. */
export const WAYS_TO_STOP = ["break", "abort"] as const;

/** Checks that the connection is closed when the caller stops. */
export async function runStopped(
  load: Load,
  client: Client,
  way: (typeof WAYS_TO_STOP)[number],
): Promise<Cell> {
  const { wire } = client;
  const script: Script = {
    headers: { "content-type": wire.contentType },
    pieces: [wire.preamble, wire.content],
    ending: "hang",
  };
  const connection = new Connection(script);
  const first = await client.make(load, connection.fetch, "first");
  const health = new Reports();
  const controller = new AbortController();
  const stream = await fallbackStream([first, OTHER], "hi", {
    signal: controller.signal,
    timeouts: { firstContentMs: 1_000 },
    health,
  });
  const { value } = await stream.next();
  const startedAt = Date.now();
  if (way === "abort") controller.abort(new Error("stopped"));
  await stream.return().catch(() => {});
  const faults: string[] = [];
  const ms = Date.now() - startedAt;
  if (connection.open !== 0) faults.push("the connection is open");
  if (ms > 500) faults.push("closing took more than 500 ms");
  if (stream.attempts.at(-1)?.closeError !== undefined) {
    faults.push(
      `closing threw ${describe(stream.attempts.at(-1)?.closeError)}`,
    );
  }
  return {
    client: client.name,
    situation: `${way} after content`,
    outcome: String(value),
    health: health.reports.join(),
    faults,
  };
}

function describe(error: unknown): string {
  const { name, message } = Object(error) as Partial<Error>;
  return `${name}: ${String(message).split("\n")[0]!.slice(0, 80)}`;
}
