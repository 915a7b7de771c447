/**
 * Language models of the Vercel AI SDK, both ways: as models of a chain, and a
 * chain as a language model that `streamText`, `generateText` and agents take.
 *
 * ```ts
 * import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
 * import { simulateReadableStream, streamText } from "ai";
 * import { MockLanguageModelV4 } from "ai/test";
 * import { assertEquals } from "@std/assert";
 *
 * // Mocks, so that this runs anywhere; yours are `openai("gpt-4o")` and others.
 * const down = new MockLanguageModelV4({
 *   doStream: () => Promise.reject(new Error("overloaded")),
 * });
 * const up = new MockLanguageModelV4({
 *   doStream: () =>
 *     Promise.resolve({
 *       stream: simulateReadableStream({
 *         chunks: [
 *           { type: "text-start", id: "1" },
 *           { type: "text-delta", id: "1", delta: "Hello" },
 *           { type: "text-end", id: "1" },
 *           {
 *             type: "finish",
 *             finishReason: { unified: "stop", raw: "stop" },
 *             usage: {
 *               inputTokens: {
 *                 total: 1,
 *                 noCache: 1,
 *                 cacheRead: 0,
 *                 cacheWrite: 0,
 *               },
 *               outputTokens: { total: 1, text: 1, reasoning: 0 },
 *             },
 *           },
 *         ],
 *       }),
 *     }),
 * });
 *
 * const model = fallbackLanguageModel([down, up], {
 *   timeouts: { firstContentMs: 5_000, idleMs: 15_000 },
 * });
 * const { textStream } = streamText({ model, prompt: "Hi", maxRetries: 0 });
 * assertEquals(await Array.fromAsync(textStream), ["Hello"]);
 * ```
 *
 * @module
 */

export { aiSdkModel, type AiSdkModelOptions } from "./ai_sdk_model.ts";
export {
  chatModel,
  type ChatModelOptions,
  type ChatWarning,
} from "./chat_model.ts";
export {
  type FallbackEntry,
  fallbackLanguageModel,
  type FallbackLanguageModelOptions,
  type LanguageModelsByRequest,
} from "./fallback_language_model.ts";
export {
  StreamPartError,
  type StreamPartErrorOptions,
} from "./stream_part_error.ts";
export type {
  ChatChoice,
  ChatChunk,
  ChatDelta,
  ChatFunctionCall,
  ChatMessage,
  ChatMessageFields,
  ChatRequest,
  ChatRequestFields,
  ChatToolCall,
  ChatUsage,
} from "../openai/mod.ts";
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
export type { Admission, HealthReport, HealthStore } from "../types/health.ts";
export type {
  Model,
  ModelContext,
  ModelFunction,
  StreamSource,
} from "../types/model.ts";
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
} from "../types/options.ts";
export type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  ProviderOptions,
} from "./specification.ts";
