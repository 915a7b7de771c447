/**
 * Health in memory: one circuit per model, for all calls of a process that
 * share the store.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { memoryHealth } from "@fallback/stream/health";
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const health = memoryHealth({ failures: 2 }); // one for all calls
 * const models = [
 *   fakeModel("down", [fail(new Error("overloaded"))]),
 *   fakeModel("up", ["Hello"]),
 * ];
 * for (let call = 0; call < 3; call++) {
 *   await using stream = await fallbackStream(models, "hi", { health });
 *   const outcome = stream.attempts[0]?.outcome;
 *   assertEquals(outcome, call < 2 ? "failed" : "skipped");
 * }
 * ```
 *
 * @module
 */

import type { Admission, HealthReport, HealthStore } from "../types.ts";
import {
  admission,
  believable,
  type Circuit,
  CLOSED,
  describe,
  tell,
} from "./_circuit.ts";
import {
  type CircuitOptions,
  type CircuitSnapshot,
  readRules,
  wordOf,
} from "./options.ts";

export type {
  CircuitOptions,
  CircuitSnapshot,
  HealthCondition,
} from "./options.ts";
export type {
  Admission,
  ErrorClass,
  HealthReport,
  HealthStore,
} from "../types.ts";

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
   * @throws Whatever `failureOn` throws.
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
 * @throws {RangeError} If `failureOn` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function memoryHealth(options: CircuitOptions = {}): MemoryHealth {
  const rules = readRules(options);
  const circuits = new Map<string, Circuit>();
  const circuitOf = (model: string, now = Date.now()) =>
    believable(circuits.get(model) ?? CLOSED, now, rules);
  return {
    admit(model) {
      const now = Date.now();
      const circuit = circuitOf(model, now);
      const answer = admission(circuit, now);
      if (answer !== "probe") return answer;
      circuits.set(model, tell(circuit, { about: "probe", at: now }, rules));
      return { admit: true };
    },
    report(model, outcome, error) {
      const before = circuitOf(model);
      const after = tell(before, wordOf(outcome, error, rules), rules);
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
