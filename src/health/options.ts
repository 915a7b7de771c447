/**
 * When a circuit opens and for how long: what both stores have in common.
 *
 * @module
 */

import {
  expectObject,
  readCount,
  readMs,
  readMsRange,
  readNumber,
} from "../_arguments.ts";
import { isErrorClass, readConditions } from "../_condition.ts";
import { retryAfterOf } from "../_retry_after.ts";
import { isServerTrouble } from "../on_status.ts";
import type { ErrorClass, HealthReport } from "../types.ts";
import type { Word } from "./_circuit.ts";

/** Says whether an error counts: a class of errors, or a predicate. */
export type HealthCondition = ErrorClass | ((error: unknown) => boolean);

/**
 * When a circuit opens, and for how long. The circuit breaker is that of
 * Nygard, "Release It!" (2007).
 */
export interface CircuitOptions {
  /**
   * So many failures within `windowMs` open the circuit. `Infinity` leaves that
   * to `failureRatio`.
   *
   * @default {5}
   */
  failures?: number | undefined;
  /**
   * How long a call is remembered, in milliseconds.
   *
   * @default {60_000}
   */
  windowMs?: number | undefined;
  /**
   * Such a part of the calls within `windowMs`, from 0 to 1, opens the circuit
   * too, if there were `minimumCalls`. Off unless given.
   */
  failureRatio?: number | undefined;
  /**
   * How many calls it takes within `windowMs` until `failureRatio` opens it.
   *
   * @default {20}
   */
  minimumCalls?: number | undefined;
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
  failureOn?: HealthCondition | readonly HealthCondition[] | undefined;
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
export interface Rules {
  readonly failures: number;
  readonly windowMs: number;
  readonly failureRatio: number | undefined;
  readonly minimumCalls: number;
  readonly cooldownMs: number;
  readonly maxCooldownMs: number;
  readonly conditions: readonly HealthCondition[];
  /** The caller's own object: its conditions are called as its methods. */
  readonly options: CircuitOptions;
}

/** Checks options and fills them in. */
export function readRules(options: CircuitOptions): Rules {
  expectObject("options", options);
  const {
    failures = 5,
    windowMs = 60_000,
    failureRatio,
    minimumCalls = 20,
    failureOn = isServerTrouble,
  } = options;
  const [cooldownMs, maxCooldownMs] = readMsRange(
    "",
    options,
    ["cooldownMs", 30_000],
    ["maxCooldownMs", 300_000],
  );
  return {
    failures: failures === Infinity
      ? failures
      : readCount("failures", failures),
    windowMs: readMs("windowMs", windowMs),
    failureRatio: failureRatio === undefined
      ? undefined
      : readNumber("failureRatio", failureRatio, 0, 1),
    minimumCalls: readCount("minimumCalls", minimumCalls),
    cooldownMs,
    maxCooldownMs,
    conditions: readConditions("failureOn", failureOn),
    options,
  };
}

/** What a report says to a circuit. */
export function wordOf(
  outcome: HealthReport,
  error: unknown,
  { conditions, options }: Rules,
): Word {
  const at = Date.now();
  if (outcome !== "failure") return { about: outcome, at };
  const counts = conditions.some((condition) =>
    isErrorClass(condition)
      ? error instanceof condition
      : condition.call(options, error)
  );
  // The model has answered, if only to complain: a probe is over.
  if (!counts) return { about: "released", at };
  return { about: "failure", at, retryAfterMs: retryAfterOf(error) };
}
