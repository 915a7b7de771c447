/**
 * Circuits in memory.
 *
 * @module
 */

import type { Admission, HealthReport, HealthStore } from "../types/health.ts";
import {
  admission,
  type Circuit,
  clampRetryAt,
  CLOSED,
  describe,
  reduce,
} from "./_circuit.ts";
import {
  type CircuitOptions,
  type CircuitSnapshot,
  parseCircuitOptions,
  toCircuitEvent,
} from "./circuit_options.ts";

/** What {@linkcode memoryHealth} gives. */
export interface MemoryHealth extends HealthStore {
  /**
   * Whether a model may be asked now. If that makes it the probe, the circuit
   * waits for its report.
   *
   * @param model The model's name in the list.
   * @returns The answer, at once.
   */
  admit(model: string): Admission;
  /**
   * Counts what has become of a model.
   *
   * @param model The model's name in the list.
   * @param outcome What has become of the attempt.
   * @param error Why it failed.
   *
   * @throws Whatever `isFailure` throws.
   */
  report(model: string, outcome: HealthReport, error?: unknown): void;
  /**
   * The circuits of all models of which anything was remembered.
   *
   * @returns One entry per model, by name.
   */
  snapshot(): readonly CircuitSnapshot[];
}

/**
 * Makes a store of circuits in memory, to be shared by many calls. A circuit
 * opens when its model fails too often, and then its model is skipped.
 *
 * @param options When a circuit opens, and for how long.
 * @returns The store.
 *
 * @example What it knows
 * ```ts
 * import { memoryHealth } from "@fallback/stream/health";
 * import { assertEquals } from "@std/assert";
 *
 * const health = memoryHealth({ failures: 1 });
 * health.report("gpt", "failure", new Error("overloaded"));
 * assertEquals(health.admit("gpt").admit, false);
 * assertEquals(health.snapshot()[0]!.state, "open");
 * ```
 *
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If `isFailure` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function memoryHealth(options: CircuitOptions = {}): MemoryHealth {
  const rules = parseCircuitOptions(options);
  const circuits = new Map<string, Circuit>();
  const circuitOf = (model: string, now = Date.now()) =>
    clampRetryAt(circuits.get(model) ?? CLOSED, now, rules);
  return {
    admit(model) {
      const now = Date.now();
      const circuit = circuitOf(model, now);
      const answer = admission(circuit, now);
      if (answer !== "probe") return answer;
      circuits.set(model, reduce(circuit, { type: "probe", at: now }, rules));
      return { admit: true };
    },
    report(model, outcome, error) {
      const before = circuitOf(model);
      const after = reduce(
        before,
        toCircuitEvent(outcome, error, rules),
        rules,
      );
      if (after !== before) circuits.set(model, after);
    },
    snapshot() {
      const now = Date.now();
      return Array.from(
        circuits.keys(),
        (model) => describe(model, circuitOf(model, now), now, rules),
      ).sort((a, b) => a.model < b.model ? -1 : 1);
    },
  };
}
