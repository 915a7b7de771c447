// What `redisHealth()` sends, and how it reads the replies.

import { redisHealth, type RedisSend } from "@fallback/stream/redis";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import type { PendingEvent } from "../../src/health/_circuit_backend.ts";
import {
  CIRCUIT_OPTION_NAMES,
  type CircuitOptions,
  parseCircuitOptions,
} from "../../src/health/circuit_options.ts";
import { RedisBackend } from "../../src/redis/_redis_backend.ts";
import { SCRIPT, SCRIPT_SHA1 } from "../../src/redis/_script.ts";
import { stoppedClock } from "./_clock.ts";

const MODEL = "gpt";

/** A backend, what it has sent, and the replies that it will get. */
function backendWith(options: CircuitOptions, ...replies: unknown[]) {
  const commands: (readonly string[])[] = [];
  const send: RedisSend = async (args) => {
    commands.push(args);
    const reply = await replies.shift();
    if (reply instanceof Error) throw reply;
    return reply;
  };
  const resolved = parseCircuitOptions(options, CIRCUIT_OPTION_NAMES);
  return { backend: new RedisBackend(send, "my app", resolved), commands };
}

function pendingEvent(
  model: string,
  type: PendingEvent["type"],
  at: number,
  retryAfterMs = 0,
): PendingEvent {
  return { model, type, at, retryAfterMs, counted: false };
}

Deno.test("SCRIPT_SHA1 is the digest of the script", async () => {
  const bytes = new TextEncoder().encode(SCRIPT);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  assertEquals(digest.toHex(), SCRIPT_SHA1);
});

Deno.test("redisHealth() sends the options, models and events in server time, and reads the circuits in local time (R21)", async () => {
  using clock = stoppedClock();
  clock.now = 1000;
  const { backend, commands } = backendWith(
    {
      ...{ failureThreshold: 2, windowMs: 1, failureRateThreshold: 0.5 },
      ...{ minimumThroughput: 3, cooldownMs: 4, maxCooldownMs: 5 },
      maxRetryAfterMs: 6,
    },
    new Error("NOSCRIPT No matching script."),
    "100 -",
    "104 01\nb closed 9 50,2,1 60,3,0\na%20b open 9 200 1 4 2",
    "105 1\nb open 9 200 0 4 2",
    "105 -\nb closed 9",
  );
  const events = [
    pendingEvent("a b", "failure", 899, 5),
    pendingEvent("b", "probe", 1000),
  ];
  assertEquals(
    await backend.exchange(new Set(["b"]), { number: 7, events }),
    new Map([
      ["b", {
        state: "closed",
        window: [
          { at: 946, calls: 2, failures: 1 },
          { at: 956, calls: 3, failures: 0 },
        ],
      }],
      ["a b", {
        ...{ state: "open", retryAt: 1096, probing: true },
        ...{ failures: 4, failedProbes: 2 },
      }],
    ]),
  );
  assertEquals(events.map(({ counted }) => counted), [false, true]);
  const last = [pendingEvent("b", "released", 1001)];
  assertEquals(
    await backend.exchange(new Set(), { number: 8, events: last }),
    new Map([["b", {
      ...{ state: "open", retryAt: 1095, probing: false },
      ...{ failures: 4, failedProbes: 2 },
    }]]),
  );
  assertEquals(
    await backend.exchange(new Set(["b"]), undefined),
    new Map([["b", { state: "closed", window: [] }]]),
  );
  const batches = commands[0]![4]!;
  assertMatch(
    batches,
    /^\{my app\}:v1:[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/,
  );
  const numbers = ["2", "1", "0.5", "3", "4", "5", "6", "13"];
  const shared = ["2", "{my app}:v1", batches, ...numbers];
  assertEquals(commands, [
    ["EVALSHA", SCRIPT_SHA1, ...shared, "0", "0"],
    ["EVAL", SCRIPT, ...shared, "0", "0"],
    ["EVALSHA", SCRIPT_SHA1, ...shared, "7", "2", "b", "a%20b"].concat(
      "failure 2 0 5", // The server's clock was at 0 one millisecond later.
      "probe 1 100 0",
    ),
    ["EVALSHA", SCRIPT_SHA1, ...shared, "8", "1", "b", "released 1 105 0"],
    ["EVALSHA", SCRIPT_SHA1, ...shared, "0", "1", "b"],
  ]);
});

Deno.test("redisHealth() keeps to the server's clock when a reply is read late (R21)", async () => {
  using clock = stoppedClock();
  const times: string[] = [];
  /** Milliseconds for the command and for the reply. */
  let delays = [0, 0];
  let serverAhead = 500;
  const send: RedisSend = (args) => {
    times.push(...args.filter((arg) => arg.startsWith("failure ")));
    clock.now += delays[0]!;
    const now = clock.now + serverAhead;
    clock.now += delays[1]!;
    return Promise.resolve(`${now} 0`);
  };
  const options = parseCircuitOptions({}, CIRCUIT_OPTION_NAMES);
  const backend = new RedisBackend(send, "app", options);
  const sent = async () => {
    const events = [pendingEvent(MODEL, "failure", clock.now)];
    await backend.exchange(new Set(), { number: 1, events });
    return Number(times.at(-1)!.split(" ")[2]) - events[0]!.at;
  };
  const offsets: number[] = [];
  for (const next of [[0, 0], [2, 4500], [4500, 3], [0, 0]]) {
    delays = next;
    offsets.push(await sent());
  }
  // A clock that was set.
  serverAhead = 90;
  await sent();
  offsets.push(await sent());
  assertEquals(offsets, [500, 500, 500, 500, 90]);
});

Deno.test("redisHealth() sends events without a wait, and counts its batches from 1 (R21)", async () => {
  const commands: (readonly string[])[] = [];
  const health = redisHealth((args) => {
    commands.push(args.slice(13));
    const isOpen = commands.length > 1;
    return Promise.resolve(`0 ${isOpen ? `1\n${MODEL} open 0 0 0 1 0` : "-"}`);
  }, { failureThreshold: 1, cooldownMs: 0 });
  using _clock = stoppedClock();
  await health.report(MODEL, "failure");
  assertEquals(await health.admit(MODEL), { admit: true });
  await health.report(MODEL, "success");
  const numbers = ["0", "1", "2", "3"];
  const events = ["failure", "probe", "success"];
  assertEquals(
    commands,
    numbers.map((number, i) =>
      i === 0 ? ["0", "0"] : [number, "1", MODEL, `${events[i - 1]} 1 0 0`]
    ),
  );
});

Deno.test("redisHealth().snapshot() reads all circuits, and skips what is no model (R21)", async () => {
  using clock = stoppedClock();
  clock.now = 1000;
  const reply =
    "100 -\nb open 0 101 0 3 0\n% closed 0\na closed 0 90,3,2\nc open 0 99 0 1 0";
  const { backend, commands } = backendWith(
    { failureThreshold: Infinity },
    reply,
    new TextEncoder().encode("100 -"),
  );
  assertEquals(await backend.snapshot(), [
    { model: "a", state: "closed", failures: 2 },
    { model: "b", state: "open", failures: 3, retryAt: 1001 },
    { model: "c", state: "half-open", failures: 1, retryAt: 999 },
  ]);
  assertEquals(await backend.snapshot(), []);
  const numbers = ["60000", "-1", "20", "10000", "15000", "300000", "660000"];
  for (const command of commands) {
    assertEquals(command.slice(5), ["1e300", ...numbers, "0", "-1"]);
  }
});

Deno.test("redisHealth().snapshot() rejects on a reply that the script never gives, and on an error of the server (R21)", async () => {
  for (
    const [reply, shown] of [
      ...[[undefined, "undefined"], [null, "null"], [5, "5"], [{}, "{}"]],
      ...[[[], "[]"], ["OK", '"OK"'], ["12", '"12"'], ["1 2", '"1 2"']],
      ["1 -\nx y", '"1 -\\nx y"'],
    ]
  ) {
    const health = redisHealth(() => Promise.resolve(reply));
    const { message } = await assertRejects(() => health.snapshot(), TypeError);
    assertEquals(
      message,
      `'send' must resolve to the reply of the server: it resolved to ${shown}`,
    );
    assert((await health.admit(MODEL)).admit);
  }
  const error = new Error("the server is down");
  const { backend, commands } = backendWith({}, error);
  assertStrictEquals(await assertRejects(() => backend.snapshot()), error);
  assertEquals(commands.length, 1);
});
