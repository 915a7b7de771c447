// What providers do in each scenario, and the times that each row sets.

import { type FallbackOptions, hedgeBudget } from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { trackLatency } from "@fallback/stream/latency";
import { type Parameters, readParameters } from "./_parameters.ts";
import type { Condition, Request } from "./_providers.ts";

const MINUTE = 60_000;
/** Calls per minute, unless a scenario says otherwise. */
const RATE = 30;

type Options = FallbackOptions<Request, number>;

/** The calls that one row of the table counts. */
export interface Window {
  readonly name: string;
  readonly includes: (call: number, atMs: number) => boolean;
}

/** One kind of day. */
export interface Scenario {
  readonly parameters: Parameters;
  readonly windows: readonly Window[];
  /** What happens to the first provider at a time. */
  readonly conditionAt?: (atMs: number) => Condition;
  /** Which tracker a call uses; a new number is a tracker without samples. */
  readonly trackerOf?: (call: number) => number;
  readonly rows: readonly Times[];
}

/** A timeout, and how long an attempt runs before a hedge is opened. */
interface Pair {
  readonly firstContentMs: number;
  readonly afterMs: number;
}

/** The times that a row sets. */
export interface Times {
  readonly name: string;
  /** Absent if both times are learned. */
  readonly fixed?: Pair;
  /** The bounds of learned times. */
  readonly initial?: Pair;
  readonly max?: Pair;
  readonly withHealth?: true;
}

const BY_HAND: Pair = { firstContentMs: 10_000, afterMs: 2_350 };
const TOO_SHORT: Pair = { firstContentMs: 2_000, afterMs: 500 };
const INITIAL: Pair = { firstContentMs: 30_000, afterMs: 5_000 };
const MAX: Pair = { firstContentMs: 120_000, afterMs: 60_000 };

const byHand: Times = { name: "by hand", fixed: BY_HAND };
const learned: Times = { name: "learned" };
const ROWS: readonly Times[] = [
  byHand,
  { name: "too short", fixed: TOO_SHORT },
  { name: "too long", fixed: { firstContentMs: 60_000, afterMs: 10_000 } },
  learned,
];
const START_ROWS: readonly Times[] = [
  ...ROWS,
  { name: "learned, initial by hand", initial: BY_HAND },
];
const HEALTH_ROWS: readonly Times[] = [
  ...ROWS,
  { name: "by hand + memoryHealth", fixed: BY_HAND, withHealth: true },
  { name: "learned + memoryHealth", withHealth: true },
];
const byHandForReasoning: Times = {
  name: "by hand for this model",
  fixed: { firstContentMs: 120_000, afterMs: 52_700 },
};
const REASONING: Partial<Parameters> = {
  medianMs: [12_000, 12_000, 12_000],
  shortestMs: 2_000,
  longestMs: 90_000,
  patienceMs: 300_000,
};

/** All scenarios, with at most `limit` calls each. */
export function makeScenarios(
  size: number,
  limit: number,
): readonly Scenario[] {
  const set = (calls: number, changes: Partial<Parameters> = {}) => ({
    ...readParameters([]),
    chunks: 2,
    callsPerMinute: RATE,
    outageHours: 1e9,
    interrupted: 0,
    patienceMs: 120_000,
    ...changes,
    calls: Math.min(limit, calls),
  });
  const all = (name: string) => [{ name, includes: () => true }];
  const between = (
    name: string,
    from: number,
    to: number,
    cycle = Infinity,
  ) => ({
    name,
    includes: (_: number, atMs: number) => {
      const minute = atMs / MINUTE % cycle;
      return from <= minute && minute < to;
    },
  });
  const part = (name: string, from: number, to: number, cycle: number) => ({
    name,
    includes: (call: number) => from <= call % cycle && call % cycle < to,
  });
  const isSilent = between("", 30, 34, 60).includes;
  const isHanging = between("", 30, 60, 90).includes;
  const isSlow = between("", 60, 180).includes;
  const isSilentAtHighRate = between("", 10, 14).includes;
  return [
    { parameters: set(3_000 * size), windows: all("calm"), rows: ROWS },
    {
      parameters: set(300 * RATE),
      windows: [
        between("3 × slower, during", 60, 180),
        between("3 × slower, 2 h after", 180, 300),
      ],
      conditionAt: (atMs) => ({ slower: isSlow(0, atMs) ? 3 : 1, hanging: 0 }),
      rows: ROWS,
    },
    {
      parameters: set(180 * RATE),
      windows: [between("15 × slower, during", 60, 180)],
      conditionAt: (atMs) => ({ slower: isSlow(0, atMs) ? 15 : 1, hanging: 0 }),
      rows: [byHand, learned, {
        name: "learned, max 20 s",
        max: { firstContentMs: 20_000, afterMs: 8_000 },
        initial: BY_HAND,
      }],
    },
    {
      parameters: set(2_000 * size, REASONING),
      windows: all("reasoning, 2–90 s"),
      rows: [...ROWS, byHandForReasoning],
    },
    {
      parameters: set(180 * RATE, REASONING),
      windows: [
        between("reasoning, first 10 min", 0, 10),
        between("reasoning, from 1 h on", 60, Infinity),
      ],
      rows: [byHandForReasoning, {
        name: "learned, initial 2 s",
        initial: TOO_SHORT,
      }],
    },
    {
      parameters: set(60 * RATE * 2 * size),
      windows: [
        between("silence, 10 min before", 20, 30, 60),
        between("silence, during", 30, 34, 60),
        between("silence, 10 min after", 34, 44, 60),
      ],
      conditionAt: (atMs) => ({
        slower: 1,
        hanging: isSilent(0, atMs) ? 1 : 0,
      }),
      rows: HEALTH_ROWS,
    },
    {
      parameters: set(24 * 600, { callsPerMinute: 600 }),
      windows: [between("silence, 600 calls/min", 10, 14)],
      conditionAt: (atMs) => ({
        slower: 1,
        hanging: isSilentAtHighRate(0, atMs) ? 1 : 0,
      }),
      rows: [byHand, learned],
    },
    {
      parameters: set(90 * RATE * size),
      windows: [between("half hangs, during", 30, 60, 90)],
      conditionAt: (atMs) => ({
        slower: 1,
        hanging: isHanging(0, atMs) ? 0.5 : 0,
      }),
      rows: HEALTH_ROWS,
    },
    {
      parameters: set(2_000 * size, { callsPerMinute: 1 }),
      windows: all("1 call a minute"),
      rows: ROWS,
    },
    {
      parameters: set(3_000 * size),
      windows: [
        part("cold start, calls 1–30", 0, 30, 100),
        part("cold start, calls 31–100", 30, 100, 100),
      ],
      trackerOf: (call) => Math.floor(call / 100),
      rows: START_ROWS,
    },
    {
      parameters: set(3_600 * size),
      windows: [
        part("ten isolates, first 20 min", 0, 600, 3_600),
        part("ten isolates, 100 min after", 600, 3_600, 3_600),
      ],
      trackerOf: (call) => Math.floor(call / 3_600) * 10 + call % 10,
      rows: START_ROWS,
    },
  ];
}

/** The options of each call of a row. */
export function optionsOf(
  { trackerOf = () => 0 }: Scenario,
  { fixed, initial = INITIAL, max = MAX, withHealth }: Times,
): (call: number) => Options {
  const budget = hedgeBudget({ ratio: 0.1, burst: 10 });
  const health = withHealth && memoryHealth();
  const made = new Map<number, Options>();
  const make = (): Options => {
    const latency = trackLatency();
    const afterMs = fixed?.afterMs ?? latency.quantile(0.95, {
      min: 100,
      max: max.afterMs,
      initial: initial.afterMs,
    });
    const firstContentMs = fixed?.firstContentMs ?? latency.quantile(0.95, {
      factor: 4,
      min: 1_000,
      max: max.firstContentMs,
      initial: initial.firstContentMs,
    });
    return {
      onEvent: latency,
      timeouts: { firstContentMs, idleMs: 10_000 },
      retry: { maxAttempts: 3, minDelayMs: 500 },
      hedge: { afterMs, budget },
      ...(health && { health }),
    };
  };
  return (call) => {
    const key = trackerOf(call);
    const options = made.get(key) ?? make();
    made.set(key, options);
    return options;
  };
}
