// Random sequences of calls and waits. A wait is relative to an option or to
// `retryAt`, so that each boundary is tested from both sides with all options.

import fc from "fast-check";
import type { Settings } from "./_reference.ts";

/** What happens to a model. */
export type Event =
  | "admit"
  | "success"
  | "failure"
  | "busy" // a failure with a `retryAfterMs`
  | "badRequest" // an error that is no failure
  | "released";

/** A wait, then an event. */
export interface Step {
  /** What is waited for. `"retryAt"` is the `retryAt` of an open circuit. */
  readonly wait: "windowMs" | "slice" | "retryAt" | "cooldownMs" | "none";
  /** Added to the wait, in milliseconds. May be negative. */
  readonly extraMs: number;
  readonly model: string;
  readonly event: Event;
  /** For `"busy"`: the wait as a multiple of `maxRetryAfterMs`. */
  readonly retryAfterRatio: number;
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
  windowMs: fc.constantFrom(0, 1, 40, 100, 250, 1000, 60_000),
  cooldownMs: fc.constantFrom(0, 1, 50, 300, 1000),
  longer: fc.constantFrom(1, 1, 2, 3, 5, 16),
  longest: fc.constantFrom(0.5, 1, 1, 4),
}).map(({ longer, longest, ...rest }) => ({
  ...rest,
  maxCooldownMs: rest.cooldownMs * longer,
  maxRetryAfterMs: Math.ceil(rest.cooldownMs * longer * longest),
}));

// A step is drawn as one number, because fast-check draws and shrinks numbers much
// faster than records.
const WAITS = [
  ...Array<"none">(6).fill("none"),
  "slice",
  "retryAt",
  "retryAt",
  "retryAt",
  "windowMs",
  "cooldownMs",
] as const;
const EXTRA_MS = [0, 0, -1, 1, 3, 20] as const;
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
  "badRequest",
  "released",
];
const RETRY_AFTER_RATIOS = [0.001, 0.5, 1, 3] as const;
const ISOLATES = [0, 1, 2] as const;
const LISTS = [WAITS, EXTRA_MS, MODELS, EVENTS, RETRY_AFTER_RATIOS, ISOLATES];
const STEPS = LISTS.reduce((product, { length }) => product * length, 1);

function stepOf(number: number): Step {
  const pick = <T>(list: readonly T[]): T => {
    const item = list[number % list.length]!;
    number = Math.floor(number / list.length);
    return item;
  };
  return {
    wait: pick(WAITS),
    extraMs: pick(EXTRA_MS),
    model: pick(MODELS),
    event: pick(EVENTS),
    retryAfterRatio: pick(RETRY_AFTER_RATIOS),
    isolate: pick(ISOLATES),
  };
}

/** Random options and steps. */
export const sequences: fc.Arbitrary<Sequence> = fc.record({
  settings,
  steps: fc.array(fc.nat(STEPS - 1), {
    minLength: 1,
    maxLength: 60,
    size: "max",
  }).map((numbers) => numbers.map(stepOf)),
});

/** How long a step waits, in whole milliseconds like those of `Date.now()`. */
export function waitOf(
  { wait, extraMs }: Step,
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
  return Math.max(0, Math.ceil(ms[wait]) + extraMs);
}

/** Formats a sequence for the message of a failed test. */
export function describeSequence({ settings, steps }: Sequence): string {
  const lines = steps.map(
    ({ wait, extraMs, model, event, retryAfterRatio, isolate }) => {
      const what = event === "busy"
        ? `busy for ${retryAfterRatio} of maxRetryAfterMs`
        : event;
      return `  wait ${wait} + ${extraMs}: ${model} ${what} (isolate ${isolate})`;
    },
  );
  const options = Object.entries(settings).map(([k, v]) => `${k} ${v}`);
  return [options.join(", "), ...lines].join("\n");
}
