/**
 * What hedges may cost.
 *
 * @module
 */

import { parseNumber } from "./_shared/arguments.ts";
import type { HedgeBudget } from "./types/options.ts";

/** Options of {@linkcode hedgeBudget}. */
export interface HedgeBudgetOptions {
  /** How many hedges each call earns: a part of one, from 0 to 1. */
  ratio: number;
  /**
   * How many may be opened in a row when there were none for long, at least 1.
   *
   * @default {10}
   */
  burst?: number | undefined;
}

/**
 * Makes a budget for hedges, to be shared by many calls: a token bucket that
 * starts full, earns `ratio` per call and holds `burst`. Where it is empty, no
 * hedge is opened. It keeps a provider that is slow as a whole from being asked
 * twice by everybody, as gRPC's retry throttling does. Let it earn a little more
 * than you hedge on an ordinary day, and hold what an outage takes: one that
 * earns just that is empty when it is needed.
 *
 * @param options How much is earned and held.
 * @returns The budget.
 *
 * @example At most one call in twenty is asked twice
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
 * @throws {TypeError} If `ratio` or `burst` is no number.
 * @throws {RangeError} If `ratio` is not from 0 to 1.
 * @throws {RangeError} If `burst` is below 1, or not finite.
 */
export function hedgeBudget(options: HedgeBudgetOptions): HedgeBudget {
  const { ratio, burst = 10 } = options;
  parseNumber("ratio", ratio, 0, 1);
  parseNumber("burst", burst, 1);
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
