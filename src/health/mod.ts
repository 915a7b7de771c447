/**
 * A circuit breaker per model, in memory. Calls that share the store skip a
 * model that keeps failing, until it has recovered. `./kv` and `./redis` have
 * the same circuits for many processes.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { memoryHealth } from "@fallback/stream/health";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const health = memoryHealth({ failureThreshold: 2 }); // one for all calls
 * const models = [
 *   fakeModel("down", [step.fail(new Error("overloaded"))]),
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

export { type MemoryHealth, memoryHealth } from "./memory_health.ts";
export type { CircuitOptions, CircuitSnapshot } from "./circuit_options.ts";
export type { Admission, HealthReport, HealthStore } from "../types/health.ts";
export type {
  ErrorClass,
  ErrorCondition,
  ErrorTest,
} from "../types/options.ts";
