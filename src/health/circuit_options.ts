/**
 * When a circuit opens and for how long: the options of every store.
 *
 * @module
 */

import {
  assertOptions,
  type OptionNames,
  parseCount,
  parseDelay,
  parseDelayRange,
  parseNumber,
} from "../_shared/arguments.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { isTransient } from "../is_transient.ts";
import { matches, parseConditions } from "../policies/conditions.ts";
import type { HealthReport } from "../types/health.ts";
import type { ErrorCondition, ErrorTest } from "../types/options.ts";
import { type CircuitEvent, currentTime } from "./_circuit.ts";

/**
 * When a circuit opens, and for how long. The circuit breaker is that of
 * Nygard, "Release It!" (2007); the names are those of `CircuitBreaker` in
 * `@std/async`.
 */
export interface CircuitOptions {
  /**
   * The number of failures within `windowMs` that opens the circuit. `Infinity`
   * relies on `failureRateThreshold` only.
   *
   * @default {5}
   */
  failureThreshold?: number | undefined;
  /**
   * How long a call counts, in milliseconds.
   *
   * @default {60_000}
   */
  windowMs?: number | undefined;
  /**
   * The share of failures among the calls within `windowMs`, from 0 to 1, that
   * opens the circuit too, once there were `minimumThroughput` calls. Off unless
   * given.
   */
  failureRateThreshold?: number | undefined;
  /**
   * The number of calls within `windowMs` from which on `failureRateThreshold`
   * applies.
   *
   * @default {20}
   */
  minimumThroughput?: number | undefined;
  /**
   * How long an open circuit refuses every call, in milliseconds. Then one call
   * goes through, the probe, and its success closes the circuit. A probe that
   * has not reported after the same time expires, and the next call becomes the
   * probe. If only `maxCooldownMs` is given, the default is at most that.
   *
   * @default {10_000}
   */
  cooldownMs?: number | undefined;
  /**
   * The longest cooldown, in milliseconds. The cooldown doubles with each probe
   * that fails, up to this. If only `cooldownMs` is given, the default is at
   * least that. The longer it is, the later a model that has recovered is used
   * again.
   *
   * @default {15_000}
   */
  maxCooldownMs?: number | undefined;
  /**
   * The longest wait that a provider may ask for, in milliseconds. A failure
   * with a time to retry, by `error.retryAfterMs` or the headers
   * `retry-after-ms` and `retry-after`, opens the circuit at once and for that
   * long, but not for longer than this.
   *
   * @default {300_000}
   */
  maxRetryAfterMs?: number | undefined;
  /**
   * Which errors count as failures of the model. By default those that
   * `isTransient` accepts: a status of 408, 425, 429 or 5xx, or no status at
   * all. A 400 is the fault of the caller.
   */
  isFailure?: ErrorCondition | undefined;
}

/** The circuit of one model, as a `snapshot()` shows it. */
export interface CircuitSnapshot {
  /** The name of the model. */
  readonly model: string;
  /**
   * Whether calls go through (`closed`), are refused (`open`), or one may go
   * through to find out whether the model has recovered (`half-open`).
   */
  readonly state: "closed" | "open" | "half-open";
  /**
   * How many failures count now, or, of an open circuit, how many opened it and
   * kept it open.
   */
  readonly failures: number;
  /**
   * When the next call may go through, in milliseconds since the epoch; absent
   * if the circuit is closed. While a probe is running, this is when it expires.
   */
  readonly retryAt?: number;
}

/** The {@linkcode CircuitOptions}, checked and with defaults. */
export interface ResolvedCircuitOptions {
  readonly failureThreshold: number;
  readonly windowMs: number;
  readonly failureRateThreshold: number | undefined;
  readonly minimumThroughput: number;
  readonly cooldownMs: number;
  readonly maxCooldownMs: number;
  readonly maxRetryAfterMs: number;
  readonly isFailure: readonly ErrorTest[];
  /** The object of the caller: its predicates are called as its methods. */
  readonly options: CircuitOptions;
}

/** The names of the options that every store has. */
export const CIRCUIT_OPTION_NAMES: OptionNames<CircuitOptions> = {
  failureThreshold: true,
  windowMs: true,
  failureRateThreshold: true,
  minimumThroughput: true,
  cooldownMs: true,
  maxCooldownMs: true,
  maxRetryAfterMs: true,
  isFailure: true,
};

/** Checks options and fills in the defaults. */
export function parseCircuitOptions<Options extends CircuitOptions>(
  options: Options,
  names: OptionNames<Options>,
): ResolvedCircuitOptions {
  assertOptions("options", options, names);
  const {
    failureThreshold = 5,
    windowMs = 60_000,
    failureRateThreshold,
    minimumThroughput = 20,
    maxRetryAfterMs = 300_000,
    isFailure = isTransient,
  } = options;
  const [cooldownMs, maxCooldownMs] = parseDelayRange(
    "options",
    options as CircuitOptions,
    { min: ["cooldownMs", 10_000], max: ["maxCooldownMs", 15_000] },
  );
  return {
    failureThreshold: failureThreshold === Infinity
      ? failureThreshold
      : parseCount("options.failureThreshold", failureThreshold),
    windowMs: parseDelay("options.windowMs", windowMs),
    failureRateThreshold: failureRateThreshold === undefined
      ? undefined
      : parseNumber("options.failureRateThreshold", failureRateThreshold, 0, 1),
    minimumThroughput: parseCount(
      "options.minimumThroughput",
      minimumThroughput,
    ),
    cooldownMs,
    maxCooldownMs,
    maxRetryAfterMs: parseDelay("options.maxRetryAfterMs", maxRetryAfterMs),
    isFailure: parseConditions("options.isFailure", isFailure),
    options,
  };
}

/** The event of a circuit for a report. */
export function toCircuitEvent(
  outcome: HealthReport,
  error: unknown,
  { isFailure, options, maxRetryAfterMs }: ResolvedCircuitOptions,
): CircuitEvent {
  const at = currentTime();
  const counts = outcome === "failure" &&
    matches("options.isFailure", isFailure, options, error);
  if (!counts) {
    // The model has answered, if only with a refusal, so a probe is over.
    const type = outcome === "failure" ? "released" : outcome;
    return { type, at, retryAfterMs: 0 };
  }
  const retryAfterMs = Math.ceil(
    Math.min(retryAfterOf(error) ?? 0, maxRetryAfterMs),
  );
  return { type: "failure", at, retryAfterMs };
}
