/**
 * Streams from the first language model in a list that actually answers. If one
 * model fails, stays silent or sends nothing, the next one takes over.
 *
 * After the first content no other model is opened, so two answers are never
 * mixed. There is a timeout for every phase; each works even if a provider
 * ignores its abort signal. Every stream is closed on every path, before the next
 * model is tried.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const primary = fakeModel("primary", [step.fail(new Error("overloaded"))]);
 * const backup = fakeModel("backup", ["Hel", "lo"]);
 *
 * await using stream = await fallbackStream([primary, backup], "hi");
 * assertEquals(await Array.fromAsync(stream), ["Hel", "lo"]);
 * assertEquals(stream.model, "backup");
 * ```
 *
 * @module
 */

export { attemptsOf } from "./src/attempts_of.ts";
export {
  AllModelsFailedError,
  CircuitOpenError,
  EmptyStreamError,
  ModelTimeoutError,
  type TimeoutPhase,
  TruncatedStreamError,
} from "./src/errors.ts";
export {
  fallbackModel,
  type FallbackModelOptions,
  type ModelsByRequest,
} from "./src/fallback_model.ts";
export { fallbackStream } from "./src/fallback_stream.ts";
export { formatAttempts } from "./src/format_attempts.ts";
export { hasStatus } from "./src/has_status.ts";
export { hedgeBudget, type HedgeBudgetOptions } from "./src/hedge_budget.ts";
export { isTransient } from "./src/is_transient.ts";
export { mapModel, type ModelMapping } from "./src/map_model.ts";
export type { Attempt, Outcome, Usage } from "./src/types/attempt.ts";
export type {
  AttemptEvent,
  CancelledEvent,
  FailureEvent,
  FallbackEvent,
  FallbackEventBase,
  FallbackListener,
  HedgingEvent,
  RetryingEvent,
} from "./src/types/events.ts";
export type {
  Admission,
  HealthReport,
  HealthStore,
} from "./src/types/health.ts";
export type {
  Model,
  ModelContext,
  ModelFunction,
  ModelLike,
  StreamSource,
} from "./src/types/model.ts";
export type {
  ErrorClass,
  ErrorCondition,
  ErrorTest,
  FallbackOptions,
  HedgeBudget,
  HedgeOptions,
  Milliseconds,
  RetryOptions,
  Timeouts,
} from "./src/types/options.ts";
export type { FallbackStream } from "./src/types/stream.ts";
export { usageOf } from "./src/usage_of.ts";
