/**
 * Health in Deno KV: one circuit per model, shared by every isolate of a Deno
 * Deploy app, or by all processes over one SQLite file. `Deno.openKv` needs
 * `"unstable": ["kv"]` in `deno.json`, or `--unstable-kv`.
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

export {
  type KvHealth,
  kvHealth,
  type KvHealthOptions,
  type KvKeyPart,
  type KvStore,
  type KvTransaction,
} from "./kv_health.ts";
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
