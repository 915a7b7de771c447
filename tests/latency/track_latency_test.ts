import {
  type Attempt,
  type FallbackEvent,
  fallbackStream,
} from "@fallback/stream";
import { type LatencyTracker, trackLatency } from "@fallback/stream/latency";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import { ModelTimeoutError } from "@fallback/stream";
import fc from "fast-check";

const bounds = { min: 1, max: 600_000, initial: 5_000 };

/** Feeds one attempt that took `ms`. */
function feed(
  tracker: LatencyTracker,
  type: "answered" | "timeout" | "lost" | "cancelled" | "refused",
  ms: number,
  { model = "m", startedAt = 0 } = {},
): void {
  const attempt: Attempt = {
    model,
    modelIndex: 0,
    number: 1,
    startedAt,
    outcome: "pending",
    chunks: 0,
  };
  const base = { at: startedAt + ms, attempt, attempts: [attempt] };
  const timeout = new ModelTimeoutError(model, "firstContent", ms);
  const events: Record<typeof type, FallbackEvent> = {
    answered: { ...base, type: "committed" },
    timeout: { ...base, type: "failed", error: timeout },
    lost: { ...base, type: "lost" },
    cancelled: { ...base, type: "cancelled" },
    refused: { ...base, type: "failed", error: new Error("refused") },
  };
  tracker(events[type]);
}

/** Random numbers from 0 to 1: a linear congruential generator. */
function uniform(seed: number, count: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  });
}

const feedAll = (
  tracker: LatencyTracker,
  type: Parameters<typeof feed>[1],
  times: readonly number[],
) => times.forEach((ms) => feed(tracker, type, ms));

Deno.test("trackLatency() estimates the quantiles of 10,000 samples within 5 %", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.constantFrom(0.5, 0.9, 0.95, 0.99),
      (seed, q) => {
        const random = uniform(seed, 10_000);
        // Log-uniform between 20 ms and 8 s.
        const times = random.map((r) => 20 * 400 ** r);
        const tracker = trackLatency({ halfLifeSamples: 1_000_000 });
        feedAll(tracker, "answered", times);
        const exact = times.toSorted((a, b) => a - b)[
          Math.ceil(q * times.length) - 1
        ]!;
        const estimate = tracker.quantile(q, bounds)("m");
        assertAlmostEquals(estimate / exact, 1, 0.05);
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("quantile() of trackLatency() is initial until 30 attempts have answered", () => {
  const tracker = trackLatency();
  const quantile = tracker.quantile(0.95, bounds);
  assertEquals(quantile("m"), 5_000);
  for (let i = 0; i < 31; i++) {
    feed(tracker, "refused", 1);
    feed(tracker, "answered", 100);
    if (i < 29) assertEquals(quantile("m"), 5_000);
  }
  assertLess(quantile("m"), 120);
  assertEquals(quantile("another"), 5_000);
});

Deno.test("quantile() of trackLatency() is max if most attempts were stopped before they answered", () => {
  for (const type of ["timeout", "lost", "cancelled"] as const) {
    const tracker = trackLatency();
    const quantile = tracker.quantile(0.95, bounds);
    feedAll(tracker, "answered", Array(20).fill(100));
    feedAll(tracker, type, Array(35).fill(2_000));
    assertEquals(quantile("m"), 600_000, type);
  }
});

Deno.test("an outage does not push the quantiles of trackLatency() to their bound", () => {
  const tracker = trackLatency();
  const quantile = tracker.quantile(0.95, { ...bounds, factor: 4 });
  feedAll(tracker, "answered", Array(200).fill(500));
  const before = quantile("m");
  feedAll(tracker, "timeout", Array(100).fill(2_000));
  assertAlmostEquals(quantile("m") / before, 1, 0.05);
});

Deno.test("attempts that were stopped early pull no quantile of trackLatency() down", () => {
  // Ten values, of which the upper three are stopped at 300 ms in the second
  // tracker, as a hedge after 300 ms would do with most of them.
  const times = [100, 120, 140, 160, 180, 200, 220, 400, 600, 900];
  const all = trackLatency();
  const hedged = trackLatency();
  for (let i = 0; i < 100; i++) {
    for (const ms of times) {
      feed(all, "answered", ms);
      if (ms < 300 || i % 5 === 0) feed(hedged, "answered", ms);
      else feed(hedged, "lost", 300);
    }
  }
  const [exact, estimate] = [all, hedged]
    .map((tracker) => tracker.quantile(0.95, bounds)("m"));
  assertAlmostEquals(estimate! / exact!, 1, 0.15);
});

Deno.test("trackLatency() forgets by samples and by time, the slower one", () => {
  const quick = trackLatency();
  const slow = trackLatency();
  feedAll(quick, "answered", Array(300).fill(100));
  feedAll(slow, "answered", Array(300).fill(100));
  // At once, time holds the old samples; a minute apart, the samples do.
  for (let i = 0; i < 300; i++) {
    feed(quick, "answered", 1_000);
    feed(slow, "answered", 1_000, { startedAt: (i + 1) * 60_000 });
  }
  assertLess(quick.quantile(0.4, bounds)("m"), 120);
  assertGreater(slow.quantile(0.4, bounds)("m"), 900);
});

Deno.test("quantile() of trackLatency() is multiplied by factor, then bounded by min and max", () => {
  const tracker = trackLatency();
  feedAll(tracker, "answered", Array(50).fill(1_000));
  const at = (limits: Partial<typeof bounds> & { factor?: number }) =>
    tracker.quantile(0.5, { ...bounds, ...limits })("m");
  assertAlmostEquals(at({ factor: 3 }) / at({}), 3, 0.001);
  assertEquals(at({ min: 2_000 }), 2_000);
  assertEquals(at({ max: 10, initial: 5, factor: 3 }), 10);
});

Deno.test("trackLatency() remembers the 256 models that were used last", () => {
  const tracker = trackLatency();
  for (let i = 0; i < 300; i++) {
    feed(tracker, "answered", 10, { model: `m${i}` });
    feed(tracker, "answered", 10, { model: "m0" });
  }
  const models = tracker.snapshot().map(({ model }) => model);
  assertEquals(models.length, 256);
  assert(models.includes("m0"));
  assert(!models.includes("m1"));
});

Deno.test("trackLatency() learns from the events of calls, and its times are used", () =>
  virtualTime(async () => {
    const tracker = trackLatency({ minSamples: 1 });
    const quantile = tracker.quantile(0.95, { ...bounds, factor: 2 });
    const scripts = [
      [step.wait(100), "a0"],
      [step.wait(100), "a0"],
      [step.hang()],
    ];
    const models = [fakeModel("a", { scripts }), fakeModel("b", ["b0"])];
    for (const expected of ["a", "a", "b"]) {
      const start = Date.now();
      await using stream = await fallbackStream(models, "hi", {
        onEvent: tracker,
        timeouts: { firstContentMs: quantile },
      });
      assertEquals(stream.model, expected);
      assertLess(Date.now() - start, 250);
    }
    assertEquals(
      tracker.snapshot().map(({ model, samples }) => [model, samples]),
      [["a", 2], ["b", 1]],
    );
  }));

Deno.test("a caller that leaves after the content is no sample of trackLatency()", () =>
  virtualTime(async () => {
    const tracker = trackLatency();
    const stream = await fallbackStream([fakeModel("a", ["x", "y"])], "hi", {
      onEvent: [tracker, ({ attempts }) => attempts.forEach(Object.freeze)],
    });
    await stream.return();
    assertEquals(tracker.snapshot()[0]?.samples, 1);
    assertEquals(tracker.snapshot()[0]?.p99 !== Infinity, true);
  }));

Deno.test("trackLatency() rejects wrong arguments by name and value", () => {
  const tracker = trackLatency();
  const cases: [() => unknown, new () => Error, string][] = [
    [
      () => trackLatency({ halfLife: 1 } as never),
      TypeError,
      "'options.halfLife'",
    ],
    [() => trackLatency({ minSamples: 0 }), RangeError, "'options.minSamples'"],
    [() => trackLatency({ halfLifeMs: 0 }), RangeError, "'options.halfLifeMs'"],
    [() => tracker.quantile(2, bounds), RangeError, "'q'"],
    [
      () => tracker.quantile(0.5, { min: 1, initial: 1 } as never),
      TypeError,
      "'bounds.max' must be a number from 0 to 2147483647: current value is undefined",
    ],
    [
      () => tracker.quantile(0.5, { ...bounds, min: 700_000 }),
      RangeError,
      "'bounds.min' must be <= 'bounds.max' (600000)",
    ],
    [
      () => tracker.quantile(0.5, { ...bounds, initial: 0 }),
      RangeError,
      "'bounds.initial'",
    ],
  ];
  for (const [call, ErrorClass, message] of cases) {
    assertThrows(call, ErrorClass, message);
  }
});

/** Kaplan–Meier on single times instead of buckets, without weights. */
function productLimitQuantile(
  samples: readonly { ms: number; answered: boolean }[],
  q: number,
): number {
  const sorted = samples.toSorted((a, b) => a.ms - b.ms);
  let survival = 1;
  const curve = sorted.flatMap(({ ms, answered }, index) => {
    if (!answered) return [];
    survival *= 1 - 1 / (sorted.length - index);
    return [{ ms, survival }];
  });
  const target = 1 - q * (1 - survival);
  return curve.find((point) => point.survival <= target + 1e-12)!.ms;
}

Deno.test("trackLatency() agrees with the Kaplan–Meier estimate of the single times", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const times = uniform(seed, 3_000).map((u) => 20 * (1 - u) ** -0.5);
    const limits = uniform(seed + 100, 3_000).map((u) => 20 + 200 * u);
    const samples = times.map((ms, index) => ({
      ms: Math.min(ms, limits[index]!),
      answered: ms <= limits[index]!,
    }));
    const tracker = trackLatency({ halfLifeSamples: 1e9, halfLifeMs: 1e9 });
    for (const { ms, answered } of samples) {
      feed(tracker, answered ? "answered" : "timeout", ms);
    }
    for (const q of [0.5, 0.9, 0.95]) {
      const learned = tracker.quantile(q, bounds)("m");
      const exact = productLimitQuantile(samples, q);
      assertLess(Math.abs(learned / exact - 1), 0.1, `q ${q}, seed ${seed}`);
    }
  }
});
