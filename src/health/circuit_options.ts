/**
 * When a circuit opens and for how long: what both stores have in common.
 *
 * @module
 */

import {
  assertObject,
  parseCount,
  parseDelay,
  parseDelayRange,
  parseNumber,
} from "../_shared/arguments.ts";
import { isErrorClass, parseConditions } from "../policies/conditions.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { isTransient } from "../is_transient.ts";
import type { ErrorCondition, ErrorTest } from "../types/options.ts";
import type { HealthReport } from "../types/health.ts";
import type { CircuitEvent } from "./_circuit.ts";

/**
 * When a circuit opens, and for how long. The circuit breaker is that of
 * Nygard, "Release It!" (2007).
 */
export interface CircuitOptions {
  /**
   * So many failures within `windowMs` open the circuit. `Infinity` leaves that
   * to `failureRateThreshold`.
   *
   * @default {5}
   */
  failureThreshold?: number | undefined;
  /**
   * How long a call is remembered, in milliseconds.
   *
   * @default {60_000}
   */
  windowMs?: number | undefined;
  /**
   * Such a part of the calls within `windowMs`, from 0 to 1, opens the circuit
   * too, if there were `minimumThroughput`. Off unless given.
   */
  failureRateThreshold?: number | undefined;
  /**
   * How many calls it takes within `windowMs` until `failureRateThreshold` opens it.
   *
   * @default {20}
   */
  minimumThroughput?: number | undefined;
  /**
   * How long an open circuit lets nothing through, in milliseconds. Then it lets
   * one call through, the probe: its success closes the circuit. A probe of
   * which nothing is heard for that long has expired, and the next may go. By
   * default no longer than `maxCooldownMs`.
   *
   * @default {30_000}
   */
  cooldownMs?: number | undefined;
  /**
   * The longest cool-down, in milliseconds: it doubles while probes fail. What a
   * provider asks for (`error.retryAfterMs`, or a `retry-after-ms` or
   * `retry-after` header) opens the circuit at once, for that long but not for
   * longer than this. By default no less than `cooldownMs`.
   *
   * @default {300_000}
   */
  maxCooldownMs?: number | undefined;
  /**
   * Which errors say that a model is down. By default those with status 408,
   * 429 or 5xx, or none at all: a 400 is the caller's fault.
   */
  isFailure?: ErrorCondition | undefined;
}

/** What is remembered of one model. */
export interface CircuitSnapshot {
  /** The model's name. */
  readonly model: string;
  /**
   * Whether calls go through (`closed`), do not (`open`), or one may, to see
   * whether the model is up again (`half-open`).
   */
  readonly state: "closed" | "open" | "half-open";
  /** How many failures count at the moment, or have opened and kept it open. */
  readonly failures: number;
  /**
   * Where it is not closed: when the next call goes through, in milliseconds
   * since the epoch. While a probe is out, that is when it expires.
   */
  readonly retryAt?: number;
}

/** The {@linkcode CircuitOptions}, checked and filled in. */
export interface ResolvedCircuitOptions {
  readonly failureThreshold: number;
  readonly windowMs: number;
  readonly failureRateThreshold: number | undefined;
  readonly minimumThroughput: number;
  readonly cooldownMs: number;
  readonly maxCooldownMs: number;
  readonly conditions: readonly ErrorTest[];
  /** The caller's own object: its conditions are called as its methods. */
  readonly options: CircuitOptions;
}

/** Checks options and fills them in. */
export function parseCircuitOptions(
  options: CircuitOptions,
): ResolvedCircuitOptions {
  assertObject("options", options);
  const {
    failureThreshold = 5,
    windowMs = 60_000,
    failureRateThreshold,
    minimumThroughput = 20,
    isFailure = isTransient,
  } = options;
  const [cooldownMs, maxCooldownMs] = parseDelayRange("options", options, {
    min: ["cooldownMs", 30_000],
    max: ["maxCooldownMs", 300_000],
  });
  return {
    failureThreshold: failureThreshold === Infinity
      ? failureThreshold
      : parseCount("options.failures", failureThreshold),
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
    conditions: parseConditions("options.isFailure", isFailure),
    options,
  };
}

/** What a report says to a circuit. */
export function toCircuitEvent(
  outcome: HealthReport,
  error: unknown,
  { conditions, options }: ResolvedCircuitOptions,
): CircuitEvent {
  const at = Date.now();
  if (outcome !== "failure") return { type: outcome, at };
  const counts = conditions.some((condition) =>
    isErrorClass(condition)
      ? error instanceof condition
      : condition.call(options, error)
  );
  // The model has answered, if only to complain: a probe is over.
  if (!counts) return { type: "released", at };
  return { type: "failure", at, retryAfterMs: retryAfterOf(error) };
}
