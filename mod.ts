/**
 * Streaming fall-back over language models: opens each model's stream in turn
 * until one really answers, and hands that answer on, chunk by chunk.
 *
 * It never mixes two answers, never hangs where a clock is set, and never
 * leaves open a stream that somebody pays for.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const primary = fakeModel("primary", [fail(new Error("overloaded"))]);
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
export { fallbackModel } from "./src/fallback_model.ts";
export { fallbackStream } from "./src/fallback_stream.ts";
export { formatAttempts } from "./src/format_attempts.ts";
export { hedgeBudget, type HedgeBudgetOptions } from "./src/hedge_budget.ts";
export { onStatus } from "./src/on_status.ts";
export type {
  Admission,
  Attempt,
  ErrorClass,
  FallbackCondition,
  FallbackEvent,
  FallbackListener,
  FallbackOptions,
  FallbackStream,
  HealthReport,
  HealthStore,
  HedgeBudget,
  HedgeOptions,
  Model,
  ModelContext,
  ModelFunction,
  ModelLike,
  Outcome,
  RetryOptions,
  StreamSource,
  Timeouts,
} from "./src/types.ts";
