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
import { isInstance } from "../_shared/safe_access.ts";
import { ModelTimeoutError } from "../errors.ts";
import type { Attempt } from "../types/attempt.ts";
import type { FallbackEvent, FallbackListener } from "../types/events.ts";
import { Histograms, UNKNOWN } from "./_histograms.ts";

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
   * How many attempts must have answered before their quantile is used. They
   * count by their weight. Where calls are rarer than one in `halfLifeMs /
   * halfLifeSamples`, all of them together weigh at most 1.44 ×
   * `halfLifeSamples`, so that more than this is never reached.
   *
   * @default {30}
   */
  readonly minSamples?: number | undefined;
  /**
   * How many models are remembered; then the one without a sample for the
   * longest time is forgotten. Each takes about 1 KiB.
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
   * What the quantile is multiplied by. A timeout needs at least 2, or it ends
   * the attempts that it should learn from.
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
 * Attempts that timed out (`openMs` or `firstContentMs`), lost or were canceled
 * before their content count as "at least that long" among those that answer, so
 * that they neither pull a quantile down nor, in an outage, push it to its bound.
 * Other failures say nothing about time. Until `minSamples` attempts have
 * answered, the time is `initial`; but `max` if as many were stopped.
 *
 * It learns from the chain whose `onEvent` it is. There, a nested chain is one
 * model; give the tracker to its `onEvent`, too, to learn from its models.
 *
 * @param options How fast it forgets, and how much it remembers.
 * @returns The tracker.
 *
 * @example A hedge and a timeout that fit every model
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
  const histograms = new Histograms({
    halfLifeSamples,
    halfLifeMs,
    minSamples,
    maxModels,
  });
  const committed = new WeakSet<Attempt>();

  const listener = (event: FallbackEvent): void => {
    const kind = sampleOf(event, committed);
    if (!kind) return;
    const { at } = event;
    const { model, startedAt } = event.attempt!;
    histograms.add(model, kind, at - startedAt, at);
  };

  return Object.assign(listener, {
    quantile(q: number, bounds: LatencyBounds) {
      parseNumber("q", q, 0, 1);
      const { min, max, initial, factor } = parseBounds(bounds);
      const estimate = histograms.estimator(q);
      return (model: string): number => {
        const ms = estimate(model);
        if (ms === UNKNOWN) return initial;
        if (ms === Infinity) return max;
        return Math.min(Math.max(ms * factor, min), max);
      };
    },
    snapshot: () => histograms.snapshot(),
  });
}

/** What an event says about the time of its attempt, if it says anything. */
function sampleOf(
  event: FallbackEvent,
  committed: WeakSet<Attempt>,
): "answered" | "stopped" | undefined {
  const { attempt } = event;
  switch (event.type) {
    case "committed":
      // The record says so too, unless somebody has frozen it.
      if (event.attempt.firstContentAt === undefined) {
        committed.add(event.attempt);
      }
      return "answered";
    case "lost":
      return "stopped";
    case "cancelled":
      return !attempt || attempt.firstContentAt !== undefined ||
          committed.has(attempt)
        ? undefined
        : "stopped";
    case "failed":
      return isTimeout(event.error) ? "stopped" : undefined;
  }
}

/** Whether an attempt was ended because it had no content in time. */
function isTimeout(error: unknown): boolean {
  return isInstance(error, ModelTimeoutError) &&
    (error.phase === "open" || error.phase === "firstContent");
}

function parseBounds(
  bounds: LatencyBounds,
): LatencyBounds & { readonly factor: number } {
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
