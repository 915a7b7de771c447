/**
 * A limit on the number of hedges.
 *
 * @module
 */

import {
  assertOptions,
  type OptionNames,
  parseNumber,
} from "./_shared/arguments.ts";
import type { HedgeBudget } from "./types/options.ts";

/** Options of {@linkcode hedgeBudget}. */
export interface HedgeBudgetOptions {
  /** How many hedges each call adds to the bucket, from 0 to 1. */
  ratio: number;
  /**
   * The capacity of the bucket: how many hedges can be opened in a burst. At
   * least 1.
   *
   * @default {10}
   */
  burst?: number | undefined;
}

const OPTION_NAMES: OptionNames<HedgeBudgetOptions> = {
  ratio: true,
  burst: true,
};

/**
 * Makes a budget for hedges that many calls share: a token bucket that starts
 * full, earns `ratio` per call and holds at most `burst`. If it is empty, no
 * hedge is opened. Without a budget, every call would open a second model while a
 * whole provider is slow. The idea is that of the retry throttling of gRPC.
 *
 * Set `ratio` slightly above your normal hedge rate, and `burst` to what an
 * outage needs. If `ratio` only matches the normal rate, the bucket is empty when
 * an outage starts.
 *
 * @param options What a call earns, and what the bucket holds.
 * @returns The budget, for `hedge.budget`.
 *
 * @example At most one call in twenty opens a hedge
 * ```ts
 * import { hedgeBudget } from "@fallback/stream";
 * import { assertEquals } from "@std/assert";
 *
 * const budget = hedgeBudget({ ratio: 0.05, burst: 1 });
 * assertEquals([budget.take(), budget.take()], [true, false]);
 * for (let call = 0; call < 20; call++) budget.earn();
 * assertEquals([budget.take(), budget.take()], [true, false]);
 * ```
 *
 * @throws {TypeError} If `ratio` or `burst` is not a number.
 * @throws {TypeError} If an option is unknown.
 * @throws {RangeError} If `ratio` is not from 0 to 1.
 * @throws {RangeError} If `burst` is below 1, or not finite.
 */
export function hedgeBudget(options: HedgeBudgetOptions): HedgeBudget {
  assertOptions("options", options, OPTION_NAMES);
  const { ratio, burst = 10 } = options;
  parseNumber("options.ratio", ratio, 0, 1);
  parseNumber("options.burst", burst, 1);
  let tokens = burst;
  return {
    earn() {
      tokens = Math.min(burst, tokens + ratio);
    },
    take() {
      // Sums are not exact: ten times 0.1 is 0.9999999999999999.
      if (tokens < 1 - 1e-9) return false;
      tokens -= 1;
      return true;
    },
  };
}
