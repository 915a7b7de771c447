/**
 * A circuit breaker per model in Redis or Valkey, shared by all processes that
 * use the same server. It needs no particular client: the store is given a
 * function that sends a command.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { redisHealth } from "@fallback/stream/redis";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * // With npm `redis`: (args) => client.sendCommand([...args])
 * const send = () => Promise.reject(new Error("the server is down"));
 * const health = redisHealth(send, { onError: () => {} });
 *
 * const models = [
 *   fakeModel("down", [step.fail(new Error("overloaded"))]),
 *   fakeModel("up", ["Hello"]),
 * ];
 * // Without its server a store delays calls at most; it fails none.
 * await using stream = await fallbackStream(models, "hi", { health });
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * ```
 *
 * @module
 */

export {
  type RedisHealth,
  redisHealth,
  type RedisHealthOptions,
  type RedisSend,
} from "./redis_health.ts";
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
