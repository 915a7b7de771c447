/**
 * A circuit breaker per model in Deno KV, shared by every isolate of a Deno
 * Deploy app, or by all processes that open the same SQLite file. `Deno.openKv`
 * needs `"unstable": ["kv"]` in `deno.json`, or `--unstable-kv`.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { kvHealth } from "@fallback/stream/kv";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * // On Deno Deploy without a path; with one, a file that processes share.
 * using kv = await Deno.openKv(":memory:");
 * const health = kvHealth(kv);
 *
 * const models = [
 *   fakeModel("down", [step.fail(new Error("overloaded"))]),
 *   fakeModel("up", ["Hello"]),
 * ];
 * await using stream = await fallbackStream(models, "hi", { health });
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * ```
 *
 * @module
 */

export { type KvHealth, kvHealth, type KvHealthOptions } from "./kv_health.ts";
export type { KvKeyPart, KvStore, KvTransaction } from "./kv_store.ts";
export type {
  SharedHealth,
  SharedHealthOptions,
} from "../health/shared_health.ts";
export type {
  CircuitOptions,
  CircuitSnapshot,
} from "../health/circuit_options.ts";
export type { Admission, HealthReport, HealthStore } from "../types/health.ts";
export type {
  ErrorClass,
  ErrorCondition,
  ErrorTest,
} from "../types/options.ts";
