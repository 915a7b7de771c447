import { memoryHealth } from "@fallback/stream/health";
import { assert, assertEquals } from "@std/assert";
import { test } from "../_test_without_permissions.ts";
import { memoryViolation } from "./_check.ts";
import { stoppedClock } from "./_clock.ts";
import { overloaded } from "./_errors.ts";

const MODEL = "gpt";

test("memoryHealth() does what the reference does in 8,000 random sequences (R21)", () => {
  const found = memoryViolation(memoryHealth, { runs: 8_000, seed: 20_261 });
  assertEquals(found, undefined, found);
});

test("memoryHealth() admits a probe after 10 s, and after 15 s once a probe has failed (R21)", () => {
  using clock = stoppedClock();
  const health = memoryHealth();
  for (let i = 0; i < 5; i++) health.report(MODEL, "failure", overloaded());
  for (const cooldownMs of [10_000, 15_000, 15_000, 15_000]) {
    assertEquals(health.admit(MODEL), {
      admit: false,
      retryAt: clock.now + cooldownMs,
    });
    clock.now += cooldownMs;
    assert(health.admit(MODEL).admit, "the probe");
    health.report(MODEL, "failure", overloaded());
  }
});

test("memoryHealth() counts a call for 60 s, and a rate of failures from 20 calls on, by default (R21)", () => {
  using clock = stoppedClock();
  const health = memoryHealth({ failureRateThreshold: 0.05 });
  health.report(MODEL, "failure", overloaded());
  for (let call = 2; call < 20; call++) health.report(MODEL, "success");
  clock.now = 59_999;
  const closed = { model: MODEL, state: "closed" } as const;
  assertEquals(health.snapshot(), [{ ...closed, failures: 1 }]);
  health.report(MODEL, "success");
  assertEquals(health.snapshot(), [{
    model: MODEL,
    state: "open",
    failures: 1,
    retryAt: 69_999,
  }]);
  health.report(MODEL, "success");
  health.report(MODEL, "failure", overloaded());
  clock.now += 60_000;
  assertEquals(health.snapshot(), [{ ...closed, failures: 0 }]);
});

test("memoryHealth() rounds the time of a fake clock down (R21)", () => {
  using clock = stoppedClock();
  clock.now = 7.5;
  const health = memoryHealth({ failureThreshold: 1 });
  health.report(MODEL, "failure", overloaded());
  assertEquals(health.admit(MODEL), { admit: false, retryAt: 10_007 });
});

test("memoryHealth() waits for the 'retryAfterMs' of an error, up to 300 s (R21)", () => {
  using clock = stoppedClock();
  for (const [retryAfterMs, waitMs] of [[120_000, 120_000], [1e9, 300_000]]) {
    const health = memoryHealth();
    health.report(MODEL, "failure", { status: 429, retryAfterMs });
    assertEquals(health.admit(MODEL), {
      admit: false,
      retryAt: clock.now + waitMs!,
    });
  }
});

test("memoryHealth() closes an open circuit on a success (R21)", () => {
  const health = memoryHealth({ failureThreshold: 1 });
  health.report(MODEL, "failure", overloaded());
  assert(!health.admit(MODEL).admit);
  health.report(MODEL, "success");
  assert(health.admit(MODEL).admit);
});

test("memoryHealth() admits a probe after each failed one when 'cooldownMs' is 0 (R21)", () => {
  using clock = stoppedClock();
  const health = memoryHealth({
    failureThreshold: 1,
    cooldownMs: 0,
    maxCooldownMs: 15_000,
  });
  health.report(MODEL, "failure", overloaded());
  for (let probe = 1; probe <= 1100; probe++) {
    clock.now++;
    assert(health.admit(MODEL).admit, `probe ${probe}`);
    health.report(MODEL, "failure", overloaded());
    assertEquals(health.snapshot()[0]!.retryAt, clock.now);
  }
});

test("memoryHealth() opens a circuit at exactly 'failureRateThreshold': 7 of 25 are 0.28 (R21)", () => {
  const health = memoryHealth({
    failureRateThreshold: 0.28,
    minimumThroughput: 25,
    failureThreshold: Infinity,
  });
  for (let call = 0; call < 18; call++) health.report(MODEL, "success");
  for (let call = 0; call < 6; call++) {
    health.report(MODEL, "failure", overloaded());
  }
  assert(health.admit(MODEL).admit);
  health.report(MODEL, "failure", overloaded());
  assert(!health.admit(MODEL).admit);
});

test("memoryHealth() keeps a circuit without failures closed at a 'failureRateThreshold' of 0 (R21)", () => {
  const health = memoryHealth({
    failureRateThreshold: 0,
    minimumThroughput: 1,
  });
  health.report(MODEL, "success");
  assert(health.admit(MODEL).admit);
  health.report(MODEL, "failure", overloaded());
  assert(!health.admit(MODEL).admit);
});

test("memoryHealth() keeps no circuit open, and counts no failure, for longer after the system clock was set back (R21)", () => {
  using clock = stoppedClock();
  clock.now = 1e9;
  const health = memoryHealth({ failureThreshold: 2 });
  for (const model of ["open", "open", "closed"]) {
    health.report(model, "failure", overloaded());
  }
  assert(!health.admit("open").admit);
  clock.now -= 1e8;
  assert(health.admit("open").admit, "the probe");
  assert(!health.admit("open").admit, "the probe is running");
  health.report("closed", "released");
  const closed = () => health.snapshot().find((it) => it.model === "closed");
  assertEquals(closed()?.failures, 1);
  health.report("closed", "failure", { status: 400 });
  clock.now += 1e8 + 60_000;
  assertEquals(closed()?.failures, 0);
});

test("memoryHealth() shares no circuit between stores, or between models (R21)", () => {
  const [one, other] = [memoryHealth({ failureThreshold: 1 }), memoryHealth()];
  one.report("\ud800", "failure", overloaded());
  assert(!one.admit("\ud800").admit);
  assert(one.admit("\udfff").admit);
  assertEquals(other.snapshot(), []);
  assertEquals(one.snapshot().map(({ model }) => model), ["\ud800"]);
});
