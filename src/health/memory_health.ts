/**
 * Circuits in memory.
 *
 * @module
 */

import type { Admission, HealthReport, HealthStore } from "../types/health.ts";
import {
  admission,
  type Circuit,
  clampTimes,
  CLOSED,
  currentTime,
  describeCircuits,
  probe,
  reduce,
} from "./_circuit.ts";
import {
  CIRCUIT_OPTION_NAMES,
  type CircuitOptions,
  type CircuitSnapshot,
  parseCircuitOptions,
  toCircuitEvent,
} from "./circuit_options.ts";

/** The store that {@linkcode memoryHealth} returns. */
export interface MemoryHealth extends HealthStore {
  /**
   * Returns whether a model may be called now. If that makes the call the
   * probe, other calls are refused until it has reported or expired.
   *
   * @param model The name of the model in the list.
   * @returns The answer, at once.
   */
  admit(model: string): Admission;
  /**
   * Counts the outcome of an attempt.
   *
   * @param model The name of the model in the list.
   * @param outcome The outcome of the attempt.
   * @param error Why it failed.
   *
   * @throws Whatever `isFailure` throws.
   */
  report(model: string, outcome: HealthReport, error?: unknown): void;
  /**
   * Returns the circuits of all models that have a state.
   *
   * @returns One entry per model, sorted by name.
   */
  snapshot(): readonly CircuitSnapshot[];
}

/**
 * Makes a store of circuits in memory, to be shared by many calls. A circuit
 * opens when its model fails too often, and then the model is skipped until it
 * has recovered.
 *
 * @param options When a circuit opens, and for how long.
 * @returns The store.
 *
 * @example Usage
 * ```ts
 * import { memoryHealth } from "@fallback/stream/health";
 * import { assertEquals } from "@std/assert";
 *
 * const health = memoryHealth({ failureThreshold: 1 });
 * health.report("gpt", "failure", new Error("overloaded"));
 * assertEquals(health.admit("gpt").admit, false);
 * assertEquals(health.snapshot()[0]!.state, "open");
 * ```
 *
 * @throws {TypeError} If an option is unknown or of the wrong kind.
 * @throws {RangeError} If `isFailure` is an empty list.
 * @throws {RangeError} If a number is out of range.
 */
export function memoryHealth(options: CircuitOptions = {}): MemoryHealth {
  const resolved = parseCircuitOptions(options, CIRCUIT_OPTION_NAMES);
  const circuits = new Map<string, Circuit>();
  const circuitOf = (model: string, now: number) =>
    clampTimes(circuits.get(model) ?? CLOSED, now, resolved);
  return {
    admit(model) {
      const now = currentTime();
      const circuit = circuitOf(model, now);
      const answer = admission(circuit, now);
      if (answer !== "probe") return answer;
      circuits.set(model, reduce(circuit, probe(now), resolved));
      return { admit: true };
    },
    report(model, outcome, error) {
      const event = toCircuitEvent(outcome, error, resolved);
      const before = circuitOf(model, event.at);
      const after = reduce(before, event, resolved);
      if (after !== before) circuits.set(model, after);
    },
    snapshot: () => describeCircuits(circuits, resolved),
  };
}
