// The quantiles against plain implementations of the estimator.

import { trackLatency } from "@fallback/stream/latency";
import { assert, assertAlmostEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { feed, uniform } from "./_samples.ts";

interface Sample {
  readonly ms: number;
  readonly isAnswered: boolean;
}

interface WeightedSample extends Sample {
  readonly weight: number;
}

/** Bucket 0 ends at 11 ms; each further one is 10 % wider, 117 in all. */
const EDGES = Array.from({ length: 117 }, (_, i) => 10 * 1.1 ** (i + 1));

const weightOf = (samples: readonly WeightedSample[]) =>
  samples.reduce((sum, { weight }) => sum + weight, 0);

/** The survival curve: what it is at the end of each bucket. */
function survivalCurve(samples: readonly WeightedSample[]): number[] {
  const buckets = Map.groupBy(samples, ({ ms }) => {
    const bucket = EDGES.findIndex((edge) => ms < edge);
    return bucket < 0 ? EDGES.length - 1 : bucket;
  });
  let survival = 1;
  return EDGES.map((_, bucket) => {
    const answered = (buckets.get(bucket) ?? []).filter((s) => s.isAnswered);
    const atRisk = Array.from(buckets)
      .flatMap(([other, samples]) => other >= bucket ? samples : []);
    if (answered.length > 0) {
      survival *= 1 - weightOf(answered) / weightOf(atRisk);
    }
    return survival;
  });
}

/** The quantile of those that answer, interpolated within its bucket. */
function quantileOf(curve: readonly number[], q: number): number {
  const target = 1 - q * (1 - curve.at(-1)!);
  const bucket = curve.findIndex((survival) => survival <= target);
  const [before, after] = [bucket > 0 ? curve[bucket - 1]! : 1, curve[bucket]!];
  const [from, to] = [bucket > 0 ? EDGES[bucket - 1]! : 0, EDGES[bucket]!];
  return from + (to - from) * (before - target) / (before - after);
}

const sample = fc.record({
  // From 5 ms to 13 minutes, and never at the edge of a bucket.
  ms: fc.integer({ min: 0, max: 1_200 }).map((n) => 5 * 1.01 ** n),
  isAnswered: fc.boolean(),
  gapMs: fc.integer({ min: 0, max: 1_000 }),
});
const scenario = fc.record({
  // With a half-life of 2 samples, weights are rescaled after 200 samples. After
  // 400, the first ones would be too light for a 32-bit float.
  halfLifeSamples: fc.constantFrom(2, 50, 1e9),
  halfLifeMs: fc.constantFrom(1, 100, 10_000, 1e9),
  samples: fc.array(sample, { maxLength: 380, size: "max" }),
});

Deno.test("snapshot() of trackLatency() is the Kaplan–Meier estimate of the buckets, however old samples are", () => {
  fc.assert(
    fc.property(scenario, ({ samples, halfLifeSamples, halfLifeMs }) => {
      const tracker = trackLatency({ halfLifeSamples, halfLifeMs });
      // The last one has answered, so that there is a quantile.
      const last = { ms: 500.5, isAnswered: true, gapMs: 0 };
      let now = 0;
      let age = 0;
      const aged = [...samples, last].map((each, index) => {
        const { ms, isAnswered, gapMs } = each;
        now += gapMs;
        age += Math.min(1 / halfLifeSamples, index && gapMs / halfLifeMs);
        const kind = isAnswered ? "answered" : "lost";
        feed(tracker, kind, ms, { startedAt: now - ms });
        return { ...each, age };
      });
      const weighted = aged.map((each) => ({
        ...each,
        weight: 2 ** (each.age - age),
      }));
      const curve = survivalCurve(weighted);
      const [learned] = tracker.snapshot();
      assertAlmostEquals(
        learned!.samples,
        weightOf(weighted.filter(({ isAnswered }) => isAnswered)),
        0.51,
      );
      for (
        const [q, ms] of [[0.5, "p50"], [0.95, "p95"], [0.99, "p99"]] as const
      ) {
        // Buckets are 32-bit floats. Rounding can move a quantile that lies
        // exactly between two buckets to the other one.
        const low = quantileOf(curve, q - 1e-4) * (1 - 1e-4);
        const high = quantileOf(curve, q + 1e-4) * (1 + 1e-4);
        assert(low <= learned![ms], `${ms}: ${learned![ms]} < ${low}`);
        assert(learned![ms] <= high, `${ms}: ${learned![ms]} > ${high}`);
      }
    }),
    // Shrinking such long lists takes minutes.
    { numRuns: 100, endOnFailure: true },
  );
});

/** Kaplan–Meier on single times instead of buckets, without weights. */
function productLimitQuantile(samples: readonly Sample[], q: number): number {
  const sorted = samples.toSorted((a, b) => a.ms - b.ms);
  let survival = 1;
  const curve = sorted.flatMap(({ ms, isAnswered }, index) => {
    if (!isAnswered) return [];
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
      isAnswered: ms <= limits[index]!,
    }));
    const tracker = trackLatency({ halfLifeSamples: 1e9, halfLifeMs: 1e9 });
    for (const { ms, isAnswered } of samples) {
      feed(tracker, isAnswered ? "answered" : "firstContent", ms);
    }
    const bounds = { min: 1, max: 600_000, initial: 5_000 };
    for (const q of [0.5, 0.9, 0.95]) {
      const learned = tracker.quantile(q, bounds)("m");
      const exact = productLimitQuantile(samples, q);
      assertLess(Math.abs(learned / exact - 1), 0.1, `q ${q}, seed ${seed}`);
    }
  }
});
