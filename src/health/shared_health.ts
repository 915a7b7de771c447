/**
 * The common part of the stores that are shared through a database.
 *
 * @module
 */

import {
  assertFunction,
  type OptionNames,
  parseDelay,
} from "../_shared/arguments.ts";
import { withTimeout } from "../_shared/with_timeout.ts";
import type { Admission, HealthReport, HealthStore } from "../types/health.ts";
import {
  CIRCUIT_OPTION_NAMES,
  type CircuitOptions,
  type CircuitSnapshot,
  parseCircuitOptions,
  type ResolvedCircuitOptions,
  toCircuitEvent,
} from "./circuit_options.ts";
import type { CircuitBackend } from "./_circuit_backend.ts";
import {
  EXCHANGE_TIMEOUT_MS,
  noAnswer,
  SharedCircuits,
} from "./_shared_circuits.ts";

/** Options of the stores that are shared through a database. */
export interface SharedHealthOptions extends CircuitOptions {
  /**
   * How long a circuit that was read is used, in milliseconds. While calls keep
   * coming, it is read again in the background after half of that. A call that
   * waited in vain, and a database that refused, are followed by as long a
   * pause in which no call waits.
   *
   * @default {1000}
   */
  cacheMs?: number | undefined;
  /**
   * Called with each failure of the database. Calls do not fail with it, so
   * only this reports it. The result is not awaited, and errors are ignored.
   *
   * @param error The error.
   */
  onError?: ((error: unknown) => unknown) | undefined;
}

/** A store that is shared through a database. */
export interface SharedHealth extends HealthStore {
  /**
   * Reads the circuits of all models of a call at once.
   *
   * @param models The names of the models.
   */
  prepare(models: readonly string[]): void;
  /**
   * Returns whether a model may be called now. It never rejects.
   *
   * @param model The name of the model in the list.
   * @returns The answer: at once while the local copy is fresh and no probe is
   * due, else within 200 ms.
   */
  admit(model: string): Admission | Promise<Admission>;
  /**
   * Counts the outcome of an attempt.
   *
   * @param model The name of the model in the list.
   * @param outcome The outcome of the attempt.
   * @param error Why it failed.
   * @returns A promise that resolves when the report is stored or could not be
   * stored; `undefined` if there is nothing to store yet. Callers need not wait
   * for it.
   *
   * @throws Whatever `isFailure` throws.
   */
  report(
    model: string,
    outcome: HealthReport,
    error?: unknown,
  ): Promise<void> | undefined;
  /**
   * Reads the circuits of all models from the database.
   *
   * @returns One entry per model, sorted by name.
   *
   * @throws Whatever the database throws; an `Error` if it has not answered within
   * 5 seconds.
   */
  snapshot(): Promise<readonly CircuitSnapshot[]>;
}

/** The names of the options that every shared store has. */
export const SHARED_OPTION_NAMES: OptionNames<SharedHealthOptions> = {
  ...CIRCUIT_OPTION_NAMES,
  cacheMs: true,
  onError: true,
};

/** Makes a store from the backend of a database. */
export function sharedHealth<Options extends SharedHealthOptions>(
  options: Options,
  names: OptionNames<Options>,
  connect: (resolved: ResolvedCircuitOptions) => CircuitBackend & {
    snapshot(): Promise<readonly CircuitSnapshot[]>;
  },
): SharedHealth {
  const resolved = parseCircuitOptions(options, names);
  const { cacheMs = 1000, onError } = options;
  parseDelay("options.cacheMs", cacheMs);
  assertFunction("options.onError", onError);
  const backend = connect(resolved);
  const circuits = new SharedCircuits(
    backend,
    resolved,
    cacheMs,
    (error) => onError?.call(options, error),
  );
  return {
    prepare: (models) => circuits.prepare(models),
    admit: (model) => circuits.admit(model),
    report: (model, outcome, error) =>
      circuits.report(model, toCircuitEvent(outcome, error, resolved)),
    async snapshot() {
      const snapshot = await withTimeout(
        backend.snapshot(),
        EXCHANGE_TIMEOUT_MS,
      );
      if (!snapshot) throw noAnswer();
      return snapshot;
    },
  };
}
