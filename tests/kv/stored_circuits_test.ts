// What `kvHealth()` stores in a KV, and what it does with invalid entries.

import { kvHealth, type KvStore } from "@fallback/stream/kv";
import { virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import fc from "fast-check";
import { overloaded } from "../health/_errors.ts";
import { test } from "../_test_without_permissions.ts";
import { FakeKv } from "./_fake_kv.ts";

const MODEL = "gpt";
const KEY = ["fallback-stream", "health", "v1", MODEL];
const NOTHING = { model: MODEL, state: "closed", failures: 0 } as const;

/** A stored circuit of each state. */
const CIRCUITS = [
  { state: "closed", window: [{ at: 5, calls: 2, failures: 1 }] },
  {
    state: "open",
    retryAt: 9000,
    probing: true,
    failures: 2,
    failedProbes: 1,
  },
];

const INVALID = [
  ...[undefined, null, NaN, Infinity, -Infinity, -1, 0.5, 1e300, "5", ""],
  ...[true, 5n, [], {}, [null], [[]], [{}], [undefined], new Date(0)],
  ...[new Map(), new Uint8Array(3), { at: 1 }, "closed", "half-open"],
];

/** All copies of a value in which one part, at any depth, is invalid or missing. */
function* withInvalidPart(value: unknown): Generator<unknown> {
  yield* INVALID;
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    for (const other of withInvalidPart(part)) {
      const copy = structuredClone(value) as Record<string, unknown>;
      copy[key] = other;
      yield copy;
    }
    if (Array.isArray(value)) continue;
    const copy = structuredClone(value) as Record<string, unknown>;
    delete copy[key];
    yield copy;
  }
}

/** Checks that a store over this value can count five failures and recover. */
async function assertReplaced(value: unknown): Promise<void> {
  const kv = new FakeKv();
  kv.set(KEY, value);
  const errors: unknown[] = [];
  const health = kvHealth(kv.connect(), {
    cacheMs: 0,
    onError: (error) => errors.push(error),
  });
  await health.snapshot();
  await health.admit(MODEL);
  for (let i = 0; i < 5; i++) {
    await health.report(MODEL, "failure", overloaded());
  }
  await delay(301_000);
  assert((await health.admit(MODEL)).admit, "the probe");
  await health.report(MODEL, "success");
  assertEquals(await health.snapshot(), [NOTHING]);
  assertEquals(errors, []);
}

test("kvHealth() replaces a stored circuit with one invalid part (R21)", async () => {
  await virtualTime(async () => {
    for (const circuit of CIRCUITS) {
      for (const value of withInvalidPart(circuit)) {
        try {
          await assertReplaced(value);
        } catch (error) {
          throw new Error(`${Deno.inspect(value)}: ${error}`);
        }
      }
    }
  });
});

test("kvHealth() replaces any invalid stored value (R21)", async () => {
  const values = fc.oneof(
    fc.anything({ withNullPrototype: false }),
    fc.record({ state: fc.constant("closed"), window: fc.anything() }),
    fc.record({
      state: fc.constant("closed"),
      window: fc.array(fc.anything()),
    }),
  ).filter((value) => {
    try {
      structuredClone(value);
      return true;
    } catch {
      return false;
    }
  });
  await virtualTime(() =>
    fc.assert(fc.asyncProperty(values, assertReplaced), {
      numRuns: 200,
      seed: 4,
    })
  );
});

test("kvHealth() stores a circuit under the model's name, until it no longer matters (R21)", async () => {
  const kv = new FakeKv();
  const options = {
    prefix: ["my", 7, true],
    failureThreshold: 2,
    windowMs: 500,
    cooldownMs: 30,
    maxCooldownMs: 90,
    maxRetryAfterMs: 400,
  };
  const health = kvHealth(kv.connect(), options);
  await health.report("a/b", "failure", overloaded());
  await health.report("a/b", "failure", overloaded());
  assertEquals(kv.writes.length, 2);
  for (const { key, expireIn } of kv.writes) {
    assertEquals(key, ["my", 7, true, "v1", "a%2Fb"]);
    assertEquals(expireIn, 500 + 2 * 400);
  }
});

test("kvHealth() does not touch the entries of other versions and longer prefixes (R21)", async () => {
  const kv = new FakeKv();
  const open = { state: "open", retryAt: 1e15, unit: "fortnights" };
  const others = [
    ["fallback-stream", "health", MODEL],
    ["fallback-stream", "health", "v2", MODEL],
    ["fallback-stream", "health", "v1", "eu", MODEL],
    ["fallback-stream", "health", "v1", 7],
    ["fallback-stream", "health", "v1", "%"],
  ];
  for (const key of others) kv.set(key, open);
  const health = kvHealth(kv.connect(), { failureThreshold: 1 });
  assert((await health.admit(MODEL)).admit);
  await health.report(MODEL, "failure", overloaded());
  assertEquals((await health.snapshot()).map(({ state }) => state), ["open"]);
  for (const key of others) assertEquals(kv.get(key)?.value, open);
});

test("kvHealth() retries a commit for four seconds while it conflicts (R21)", async () => {
  await virtualTime(async () => {
    const kv = new FakeKv();
    const connection = kv.connect({
      conflict: () => true,
      latencyMs: () => 1,
    });
    const errors: unknown[] = [];
    const health = kvHealth(connection, {
      failureThreshold: 1,
      onError: (error) => errors.push(error),
    });
    const startedAt = Date.now();
    await health.report(MODEL, "failure", overloaded());
    const ms = Date.now() - startedAt;
    assert(ms >= 4000 && ms < 4100, `${ms}`);
    const { writes } = connection.traffic;
    assert(writes > 100, `${writes}`);
    await delay(60_000);
    assertEquals(connection.traffic.writes, writes);
    assertEquals(errors.length, 1);
  });
});

test("kvHealth() counts the events of a model once while the circuit of another cannot be read (R21)", async () => {
  await virtualTime(async () => {
    const kv = new FakeKv();
    const connection: KvStore = kv.connect();
    let isBroken = true;
    const health = kvHealth({
      list: (selector) => connection.list(selector),
      atomic: () => connection.atomic(),
      get: (key) =>
        isBroken && key.at(-1) === "broken"
          ? Promise.reject(new Error("a broken shard"))
          : connection.get(key),
    });
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        ["broken", MODEL].map((model) =>
          health.report(model, "failure", overloaded())
        ),
      );
      await delay(1000);
    }
    isBroken = false;
    await health.admit(MODEL);
    await delay(100);
    const counts = (await health.snapshot()).map(({ failures }) => failures);
    assertEquals(counts, [3, 3]);
  });
});
