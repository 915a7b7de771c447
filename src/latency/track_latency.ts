/**
 * Learned times.
 *
 * @module
 */

import {
  assertArgument,
  assertOptions,
  MAX_TIMEOUT_MS,
  type OptionNames,
  parseCount,
  parseDelay,
  parseNumber,
} from "../_shared/arguments.ts";
import { getProperty, isInstance } from "../_shared/safe_access.ts";
import { ModelTimeoutError } from "../errors.ts";
import type { Attempt } from "../types/attempt.ts";
import type { FallbackEvent, FallbackListener } from "../types/events.ts";
import { Histogram } from "./_histogram.ts";

/** Options of {@linkcode trackLatency}. */
export interface LatencyOptions {
  /**
   * After how many samples of a model a sample weighs half. Together with
   * `halfLifeMs`; the slower one of both counts.
   *
   * @default {200}
   */
  readonly halfLifeSamples?: number | undefined;
  /**
   * After how many milliseconds a sample weighs half.
   *
   * @default {600_000}
   */
  readonly halfLifeMs?: number | undefined;
  /**
   * How many attempts must have answered before their quantile is used.
   *
   * @default {30}
   */
  readonly minSamples?: number | undefined;
  /**
   * How many models are remembered; then the one without a sample for the
   * longest time is forgotten. Each takes about 1.5 KiB.
   *
   * @default {256}
   */
  readonly maxModels?: number | undefined;
}

/** The limits of a learned time, in milliseconds. */
export interface LatencyBounds {
  /** The shortest time. */
  readonly min: number;
  /** The longest time: how long a user will wait. */
  readonly max: number;
  /** The time until enough has been learned: what you would set by hand. */
  readonly initial: number;
  /**
   * What the quantile is multiplied by. A limit needs at least 2, or it cuts off
   * what it should learn from.
   *
   * @default {1}
   */
  readonly factor?: number | undefined;
}

/** What is known of the latency of one model, in milliseconds. */
export interface LatencySnapshot {
  /** The name of the model. */
  readonly model: string;
  /** How many attempts have answered; older ones count for less. */
  readonly samples: number;
  /** The time within which half of the answers begin. */
  readonly p50: number;
  /** The time within which 95 % of the answers begin. */
  readonly p95: number;
  /** The time within which 99 % of the answers begin. */
  readonly p99: number;
}

/** Learns the time to first content of each model. A listener for `onEvent`. */
export interface LatencyTracker extends FallbackListener {
  /**
   * Returns a function for `timeouts.firstContentMs`, `timeouts.idleMs` or
   * `hedge.afterMs`: a quantile of the time to first content of the attempts
   * that answer, times `factor`, from `min` to `max`.
   *
   * @param q The quantile, from 0 to 1, for instance 0.95.
   * @param bounds The limits, in milliseconds.
   * @returns The time for a model by its name, in milliseconds.
   *
   * @throws {TypeError} If an argument is of the wrong kind, or unknown.
   * @throws {RangeError} If a number is out of range.
   */
  quantile(q: number, bounds: LatencyBounds): (model: string) => number;
  /**
   * Returns what is known of each model. The quantiles of a model that has never
   * answered are `Infinity`.
   *
   * @returns One entry per model, the longest unused first.
   */
  snapshot(): readonly LatencySnapshot[];
}

const OPTION_NAMES: OptionNames<LatencyOptions> = {
  halfLifeSamples: true,
  halfLifeMs: true,
  minSamples: true,
  maxModels: true,
};

const BOUNDS_NAMES: OptionNames<LatencyBounds> = {
  min: true,
  max: true,
  initial: true,
  factor: true,
};

/**
 * Learns how long each model takes to its first content, for timeouts and
 * hedges that fit without tuning. Give it to `onEvent` of every call, and its
 * quantiles to the options. One tracker serves all calls of a process.
 *
 * Attempts that timed out, lost or were canceled before their content count as
 * "at least that long" among those that answer, so that they neither pull a
 * quantile down nor, in an outage, push it to its bound. Other failures say
 * nothing about time. Until `minSamples` attempts have answered, the time is
 * `initial`; but `max` if as many were stopped, and more than have answered.
 *
 * @param options How fast it forgets, and how much it remembers.
 * @returns The tracker.
 *
 * @example A hedge and a limit that fit every model
 * ```ts
 * import { fallbackStream, hedgeBudget } from "@fallback/stream";
 * import { trackLatency } from "@fallback/stream/latency";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const latency = trackLatency(); // one for all calls
 * const options = {
 *   onEvent: latency,
 *   timeouts: {
 *     firstContentMs: latency.quantile(0.95, {
 *       factor: 4,
 *       min: 2_000,
 *       max: 30_000,
 *       initial: 15_000,
 *     }),
 *   },
 *   hedge: {
 *     afterMs: latency.quantile(0.95, { min: 100, max: 10_000, initial: 3_000 }),
 *     budget: hedgeBudget({ ratio: 0.1 }),
 *   },
 * };
 * const models = [fakeModel("a", ["Hello"]), fakeModel("b", ["Hi"])];
 *
 * await using stream = await fallbackStream(models, "hi", options);
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * assertEquals(latency.snapshot()[0]?.model, "a");
 * ```
 *
 * @throws {TypeError} If an option is of the wrong kind, or unknown.
 * @throws {RangeError} If a number is out of range.
 */
export function trackLatency(options: LatencyOptions = {}): LatencyTracker {
  assertOptions("options", options, OPTION_NAMES);
  const {
    halfLifeSamples = 200,
    halfLifeMs = 600_000,
    minSamples = 30,
    maxModels = 256,
  } = options;
  parseCount("options.halfLifeSamples", halfLifeSamples);
  assertArgument(
    parseDelay("options.halfLifeMs", halfLifeMs) > 0,
    "options.halfLifeMs",
    "be greater than 0",
    halfLifeMs,
    RangeError,
  );
  parseCount("options.minSamples", minSamples);
  parseCount("options.maxModels", maxModels);
  const halfLife = { samples: halfLifeSamples, ms: halfLifeMs };
  const histograms = new Map<string, Histogram>();
  const committed = new WeakSet<Attempt>();

  const listener = (event: FallbackEvent): void => {
    const kind = sampleOf(event, committed);
    if (!kind) return;
    const { at } = event;
    const { model, startedAt } = event.attempt!;
    const histogram = histograms.get(model) ?? new Histogram();
    // The order of the map is that of use.
    histograms.delete(model);
    histograms.set(model, histogram);
    histogram.add(kind, Math.max(0, at - startedAt), at, halfLife);
    if (histograms.size > maxModels) {
      histograms.delete(histograms.keys().next().value!);
    }
  };

  return Object.assign(listener, {
    quantile(q: number, bounds: LatencyBounds) {
      parseNumber("q", q, 0, 1);
      const limits = parseBounds(bounds);
      const cache = new WeakMap<Histogram, { version: number; ms: number }>();
      return (model: string): number => {
        const histogram = histograms.get(model);
        if (!histogram) return limits.initial;
        const cached = cache.get(histogram);
        if (cached?.version === histogram.version) return cached.ms;
        const ms = learnedMs(histogram, q, limits, minSamples);
        cache.set(histogram, { version: histogram.version, ms });
        return ms;
      };
    },
    snapshot() {
      return Array.from(histograms, ([model, histogram]) => ({
        model,
        samples: Math.round(histogram.answered),
        p50: histogram.quantile(0.5),
        p95: histogram.quantile(0.95),
        p99: histogram.quantile(0.99),
      }));
    },
  });
}

/** What an event says about the time of its attempt, if it says anything. */
function sampleOf(
  { type, attempt, ...event }: FallbackEvent,
  committed: WeakSet<Attempt>,
): "answered" | "stopped" | undefined {
  if (!attempt) return undefined;
  switch (type) {
    case "committed":
      committed.add(attempt);
      return "answered";
    case "lost":
      return "stopped";
    case "cancelled":
      return committed.has(attempt) ? undefined : "stopped";
    case "failed": {
      const error = getProperty(event, "error");
      const isSilence = isInstance(error, ModelTimeoutError) &&
        error.phase === "firstContent";
      return isSilence ? "stopped" : undefined;
    }
  }
}

function learnedMs(
  histogram: Histogram,
  q: number,
  { min, max, initial, factor }: Required<LatencyBounds>,
  minSamples: number,
): number {
  const { answered, stopped } = histogram;
  if (answered < minSamples) {
    return stopped >= minSamples && stopped > answered ? max : initial;
  }
  return Math.min(Math.max(histogram.quantile(q) * factor!, min), max);
}

function parseBounds(bounds: LatencyBounds): Required<LatencyBounds> {
  assertOptions("bounds", bounds, BOUNDS_NAMES);
  const { min, max, initial, factor = 1 } = bounds;
  parseNumber("bounds.min", min, 0, MAX_TIMEOUT_MS);
  parseNumber("bounds.max", max, 0, MAX_TIMEOUT_MS);
  assertArgument(
    min <= max,
    "bounds.min",
    `be <= 'bounds.max' (${max})`,
    min,
    RangeError,
  );
  parseNumber("bounds.initial", initial, min, max);
  parseNumber("bounds.factor", factor, 0);
  return { min, max, initial, factor };
}
