// Numbers from the calls of one row.

import type { CallResult } from "./_run.ts";

/** What the calls of one row came to. Times are in milliseconds. */
export interface Summary {
  readonly calls: number;
  readonly availability: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly p999: number | undefined;
  /** Attempts above one per call. */
  readonly extra: number;
  /** Attempts per call that a timeout ended although they would answer. */
  readonly wrong: number;
  /** The median of the delay after which a hedge was to be opened. */
  readonly hedgeMs: number | undefined;
}

/** What `share` of the sorted numbers do not exceed. */
export function quantile(
  sorted: Float64Array,
  share: number,
): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Summarizes calls; quantiles are those of the answered calls. */
export function summarize(results: readonly CallResult[]): Summary {
  const times = sortedTimes(results, "time");
  const calls = results.length;
  const total = (key: "attempts" | "wrong") =>
    results.reduce((sum, result) => sum + result[key], 0);
  return {
    calls,
    availability: times.length / calls,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    p999: quantile(times, 0.999),
    extra: total("attempts") / calls - 1,
    wrong: total("wrong") / calls,
    hedgeMs: quantile(sortedTimes(results, "hedgeMs"), 0.5),
  };
}

function sortedTimes(
  results: readonly CallResult[],
  key: "time" | "hedgeMs",
): Float64Array {
  return Float64Array.from(
    results.flatMap(({ [key]: ms }) => ms === undefined ? [] : [ms]),
  ).sort();
}
