// What learned times must reach, compared with times set by hand.

import type { Summary } from "./_measure.ts";

interface Target {
  readonly window: string;
  readonly row?: string;
  /** The row that it is compared with. */
  readonly besideRow?: string;
  readonly besideWindow?: string;
  readonly availability?: number;
  /** At most this many times what the other row has. */
  readonly p50?: number;
  readonly p99?: number;
  /** At least, and at most, this many times what the other row has. */
  readonly hedgeMs?: readonly [least: number, most: number];
  readonly extra?: number;
  readonly wrong?: number;
}

const INITIAL_BY_HAND = "learned, initial by hand";

const TARGETS: readonly Target[] = [
  { window: "calm", p99: 1.05, extra: 0.065, wrong: 0.0002 },
  { window: "3 × slower, during", p99: 0.85, extra: 0.09, wrong: 0.001 },
  { window: "3 × slower, 2 h after", p99: 1.15 },
  {
    window: "reasoning, 2–90 s",
    besideRow: "by hand for this model",
    availability: 0.999,
    p99: 1.05,
  },
  {
    window: "reasoning, first 10 min",
    row: "learned, initial 2 s",
    availability: 0.85,
  },
  {
    window: "reasoning, from 1 h on",
    row: "learned, initial 2 s",
    availability: 0.999,
  },
  { window: "silence, during", availability: 0.999, p50: 1.05, p99: 1.15 },
  {
    window: "silence, 10 min after",
    besideWindow: "silence, 10 min before",
    besideRow: "learned",
    hedgeMs: [0.8, 1.25],
    extra: 0.085,
  },
  {
    window: "silence, 600 calls/min",
    availability: 0.999,
    p50: 1.05,
    p99: 1.15,
  },
  { window: "half hangs, during", availability: 0.999 },
  {
    window: "cold start, calls 1–30",
    row: INITIAL_BY_HAND,
    // Almost the same: these calls share a hedge budget with those after them.
    p50: 1.01,
    p99: 1.01,
  },
  {
    window: "cold start, calls 31–100",
    row: INITIAL_BY_HAND,
    extra: 0.085,
  },
  { window: "ten isolates, first 20 min", p99: 1.25 },
  { window: "ten isolates, first 20 min", row: INITIAL_BY_HAND, p99: 1.03 },
];

/** A line for each target that these results can show: met, or not. */
export function targetRows(
  summaryOf: (window: string, row: string) => Summary | undefined,
): string[][] {
  return TARGETS.flatMap((target) => {
    const { window, row = "learned", besideRow = "by hand" } = target;
    const { besideWindow = window, availability, hedgeMs } = target;
    const own = summaryOf(window, row);
    if (!own) return [];
    const rows: string[][] = [];
    const add = (what: string, value: number, least: number, most = Infinity) =>
      rows.push([
        `${window}: ${row}`,
        what,
        value.toFixed(4),
        limitText(least, most),
        least <= value && value <= most ? "met" : "not met",
      ]);
    if (availability) add("availability", own.availability, availability);
    const other = summaryOf(besideWindow, besideRow);
    for (const key of ["p50", "p99", "hedgeMs"] as const) {
      const [least, most] = key === "hedgeMs"
        ? hedgeMs ?? []
        : [0, target[key]];
      if (!other || most === undefined) continue;
      const ratio = (own[key] ?? Infinity) / (other[key] ?? Infinity);
      const what = key === "hedgeMs" ? "hedge after" : key;
      const beside = besideWindow === window ? besideRow : besideWindow;
      add(`${what}, times that of "${beside}"`, ratio, least!, most);
    }
    for (const key of ["extra", "wrong"] as const) {
      const most = target[key];
      if (most !== undefined) add(`${key}, as a share`, own[key], 0, most);
    }
    return rows;
  });
}

function limitText(least: number, most: number): string {
  if (most === Infinity) return `≥ ${least}`;
  return least === 0 ? `≤ ${most}` : `${least} to ${most}`;
}
