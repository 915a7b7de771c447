// What `kvHealth()` stores in a KV, and what it does with invalid entries.

import { kvHealth, type KvStore } from "@fallback/stream/kv";
import { virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { stub } from "@std/testing/mock";
import fc from "fast-check";
import { overloaded } from "../health/_errors.ts";
import { test } from "../_test_without_permissions.ts";
import { FakeKv } from "./_fake_kv.ts";

const MODEL = "gpt";
const KEY = ["fallback-stream", "health", "v1", MODEL];
const NOTHING = { model: MODEL, state: "closed", failures: 0 } as const;

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
  assertEquals(kv.writes.at(-1)!.key, KEY);
  for (const key of others) assertEquals(kv.get(key)?.value, open);
});

test("kvHealth() retries a commit for four seconds while it conflicts (R21)", async () => {
  using _chance = stub(Math, "random", () => 0.96);
  await virtualTime(async () => {
    const kv = new FakeKv();
    let requests = 0;
    const connection = kv.connect({
      conflict: () => true,
      latencyMs: () => 1 + requests++ % 2,
    });
    const errors: unknown[] = [];
    const health = kvHealth(connection, {
      failureThreshold: 1,
      onError: (error) => errors.push(error),
    });
    const startedAt = Date.now();
    await health.report(MODEL, "failure", overloaded());
    assertEquals(Date.now() - startedAt, 4000);
    await delay(60_000);
    // A read and a write take 3 ms each, and the pause 0.96 of 20 ms.
    assertEquals(connection.traffic.writes, 160);
    assertEquals(errors.map(String), [
      "Error: Other processes were faster for 4000 ms",
    ]);
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
