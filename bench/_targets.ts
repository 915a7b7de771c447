// What learned times must reach, compared with times set by hand.

import type { Summary } from "./_measure.ts";

interface Target {
  readonly window: string;
  /** The row that the learned times are compared with. */
  readonly beside?: string;
  readonly availability?: number;
  /** At most this many times the quantile of the other row. */
  readonly p50?: number;
  readonly p99?: number;
  readonly extra?: number;
  readonly wrong?: number;
}

const TARGETS: readonly Target[] = [
  { window: "calm", p99: 1.05, extra: 0.065, wrong: 0.0002 },
  { window: "3 × slower, during", p99: 0.85, extra: 0.09, wrong: 0.001 },
  { window: "3 × slower, 2 h after", p99: 1.15 },
  {
    window: "reasoning, 2–90 s",
    beside: "by hand for this model",
    availability: 0.999,
    p99: 1.05,
  },
  { window: "silence, during", availability: 0.999, p50: 1.05, p99: 1.15 },
  { window: "silence, 10 min after", extra: 0.085 },
  { window: "half hangs, during", availability: 0.999 },
  { window: "ten isolates, first 20 min", p99: 1.25 },
];

/** A line for each target that these results can show: met, or not. */
export function targetRows(
  summaryOf: (window: string, row: string) => Summary | undefined,
): string[][] {
  return TARGETS.flatMap(({ window, beside = "by hand", ...target }) => {
    const learned = summaryOf(window, "learned");
    const other = summaryOf(window, beside);
    if (!learned || !other) return [];
    const row = (what: string, value: number, limit: string, met: boolean) => [
      window,
      what,
      value.toFixed(4),
      limit,
      met ? "met" : "not met",
    ];
    const { availability } = target;
    const least = availability === undefined ? [] : [
      row(
        "availability",
        learned.availability,
        `≥ ${availability}`,
        learned.availability >= availability,
      ),
    ];
    const most = (["extra", "wrong"] as const).flatMap((key) => {
      const limit = target[key];
      return limit === undefined
        ? []
        : [row(key, learned[key], `≤ ${limit}`, learned[key] <= limit)];
    });
    const ratios = (["p50", "p99"] as const).flatMap((key) => {
      const limit = target[key];
      if (limit === undefined) return [];
      const ratio = (learned[key] ?? Infinity) / (other[key] ?? Infinity);
      return [row(
        `${key}, times that of ${beside}`,
        ratio,
        `≤ ${limit}`,
        ratio <= limit,
      )];
    });
    return [...least, ...ratios, ...most];
  });
}
