// Random sequences of calls and waits. A wait is named by what it waits for, so
// that every boundary is tried from both sides, whatever the options are.

import fc from "fast-check";
import type { Settings } from "./_reference.ts";

/** What happens to a model. */
export type Event =
  | "admit"
  | "success"
  | "failure"
  | "busy" // a failure that says when to come back
  | "refused" // a failure that does not count
  | "released";

/** A wait, then an event. */
export interface Step {
  /** `"retryAt"` is when the model may be asked again, if it may not. */
  readonly wait: "windowMs" | "slice" | "retryAt" | "cooldownMs" | "none";
  /** Milliseconds more, or less. */
  readonly plus: number;
  readonly model: string;
  readonly event: Event;
  /** For `"busy"`: the wait as a multiple of `maxRetryAfterMs`. */
  readonly asks: number;
  /** Which of the stores is used. */
  readonly isolate: number;
}

export interface Sequence {
  readonly settings: Settings;
  readonly steps: readonly Step[];
}

const settings: fc.Arbitrary<Settings> = fc.record({
  failureThreshold: fc.constantFrom(1, 2, 3, 5, Infinity),
  failureRateThreshold: fc.constantFrom(
    undefined,
    undefined,
    0,
    0.28,
    0.5,
    0.75,
    1,
  ),
  minimumThroughput: fc.constantFrom(1, 2, 4),
  windowMs: fc.constantFrom(0, 1, 40, 100, 250, 1000, 6000),
  cooldownMs: fc.constantFrom(0, 1, 50, 300, 1000),
  longer: fc.constantFrom(1, 1, 2, 3, 5, 16),
  longest: fc.constantFrom(0.5, 1, 1, 4),
}).map(({ longer, longest, ...rest }) => ({
  ...rest,
  maxCooldownMs: rest.cooldownMs * longer,
  maxRetryAfterMs: Math.ceil(rest.cooldownMs * longer * longest),
}));

// One number a step: it is drawn, and made smaller, many times faster than a
// record would be.
const WAITS = [
  ...Array<"none">(6).fill("none"),
  "slice",
  "retryAt",
  "retryAt",
  "retryAt",
  "windowMs",
  "cooldownMs",
] as const;
const PLUS = [0, 0, -1, 1, 3, 20] as const;
const MODELS = ["a", "a", "a", "b"] as const;
const EVENTS: readonly Event[] = [
  "admit",
  "admit",
  "admit",
  "success",
  "success",
  "failure",
  "failure",
  "failure",
  "failure",
  "busy",
  "refused",
  "released",
];
const ASKS = [0.001, 0.5, 1, 3] as const;
const ISOLATES = [0, 1, 2] as const;
const LISTS = [WAITS, PLUS, MODELS, EVENTS, ASKS, ISOLATES];
const STEPS = LISTS.reduce((product, { length }) => product * length, 1);

function stepOf(number: number): Step {
  const pick = <T>(list: readonly T[]): T => {
    const item = list[number % list.length]!;
    number = Math.floor(number / list.length);
    return item;
  };
  return {
    wait: pick(WAITS),
    plus: pick(PLUS),
    model: pick(MODELS),
    event: pick(EVENTS),
    asks: pick(ASKS),
    isolate: pick(ISOLATES),
  };
}

/** Options, and what happens under them. */
export const sequences: fc.Arbitrary<Sequence> = fc.record({
  settings,
  steps: fc.array(fc.nat(STEPS - 1), {
    minLength: 1,
    maxLength: 60,
    size: "max",
  }).map((numbers) => numbers.map(stepOf)),
});

/** How long a step waits: whole milliseconds, as `Date.now()` has them. */
export function waitOf(
  { wait, plus }: Step,
  { windowMs, cooldownMs }: Settings,
  retryAt: number | undefined,
  now: number,
): number {
  const ms = {
    none: 0,
    slice: Math.ceil(windowMs / 100),
    windowMs,
    cooldownMs,
    retryAt: (retryAt ?? now) - now,
  };
  return Math.max(0, Math.ceil(ms[wait]) + plus);
}

/** A sequence as it is to be read. */
export function show({ settings, steps }: Sequence): string {
  const lines = steps.map(({ wait, plus, model, event, asks, isolate }) => {
    const what = event === "busy"
      ? `busy for ${asks} of maxRetryAfterMs`
      : event;
    return `  wait ${wait} + ${plus}: ${model} ${what} (isolate ${isolate})`;
  });
  const options = Object.entries(settings).map(([k, v]) => `${k} ${v}`);
  return [options.join(", "), ...lines].join("\n");
}
