// How long it takes until a model that was down is used again, in virtual time.

import { fallbackStream, type HealthStore, type Model } from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { test } from "../_test_without_permissions.ts";
import { FakeKv } from "../kv/_fake_kv.ts";
import { FakeRedis } from "../redis/_fake_redis.ts";

const OUTAGE_MS = 60_000;
const CALLS = 20;
const CALL_EVERY_MS = 4000;

const latencyMs = () => 2;
const stores: Readonly<Record<string, () => HealthStore>> = {
  memoryHealth: () => memoryHealth(),
  kvHealth: () => new FakeKv().connect({ latencyMs }).open(),
  redisHealth: () => new FakeRedis().connect({ latencyMs }).open(),
};

/** @returns The attempts on the primary while it was down, and when it answered. */
async function callDuringOutage(health: HealthStore, outageMs: number) {
  const recoversAt = Date.now() + outageMs;
  let attempts = 0;
  let answersAt: number | undefined;
  const primary: Model<string, string> = {
    name: "primary",
    async *stream() {
      await delay(100);
      if (Date.now() < recoversAt) {
        attempts++;
        throw Object.assign(new Error("unavailable"), { status: 503 });
      }
      answersAt ??= Date.now();
      yield "primary";
    },
  };
  const backup: Model<string, string> = {
    name: "backup",
    async *stream() {
      await delay(100);
      yield "backup";
    },
  };
  for (let call = 0; call < CALLS; call++) {
    const next = delay(CALL_EVERY_MS);
    await using stream = await fallbackStream([primary, backup], "hi", {
      health,
    });
    assertEquals((await Array.fromAsync(stream)).length, 1);
    await next;
  }
  return {
    attempts,
    lateMs: answersAt === undefined ? NaN : answersAt - recoversAt,
  };
}

for (const [name, open] of Object.entries(stores)) {
  test(`fallbackStream() with ${name}() uses a primary again within 30 s after an outage of 60 s (R21)`, async () => {
    await virtualTime(async () => {
      const { attempts, lateMs } = await callDuringOutage(open(), OUTAGE_MS);
      assertEquals(attempts, 7); // 15 without a store.
      assert(lateMs >= 0 && lateMs < 30_000, `after ${lateMs} ms`);
    });
  });

  test(`fallbackStream() with ${name}() uses a primary again within 15 s and one call interval, whenever it recovers (R21)`, async () => {
    for (let outageMs = 40_000; outageMs <= 60_000; outageMs += 250) {
      await virtualTime(async () => {
        const { lateMs } = await callDuringOutage(open(), outageMs);
        const limitMs = 15_000 + CALL_EVERY_MS + 200;
        assert(lateMs >= 0 && lateMs < limitMs, `${outageMs}: ${lateMs} ms`);
      });
    }
  });
}
