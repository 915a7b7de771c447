/**
 * Learned times: how long each model takes to its first content, for timeouts
 * and hedges that fit without tuning.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { trackLatency } from "@fallback/stream/latency";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const latency = trackLatency(); // one for all calls
 * const bounds = { min: 2_000, max: 30_000, initial: 15_000, factor: 4 };
 *
 * await using stream = await fallbackStream([fakeModel("a", ["Hi"])], "hi", {
 *   onEvent: latency,
 *   timeouts: { firstContentMs: latency.quantile(0.95, bounds) },
 * });
 * assertEquals(await Array.fromAsync(stream), ["Hi"]);
 * ```
 *
 * @module
 */

export {
  type LatencyBounds,
  type LatencyOptions,
  type LatencySnapshot,
  type LatencyTracker,
  trackLatency,
} from "./track_latency.ts";
export type { Attempt, Outcome, Usage } from "../types/attempt.ts";
export type {
  AttemptEvent,
  CancelledEvent,
  FailureEvent,
  FallbackEvent,
  FallbackEventBase,
  FallbackListener,
  HedgingEvent,
  RetryingEvent,
} from "../types/events.ts";
