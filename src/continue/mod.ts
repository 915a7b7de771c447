/**
 * Continuing an answer that broke off: when a model fails in the middle of its
 * answer, the models after it continue where it stopped. The caller
 * makes their request.
 *
 * ```ts
 * import { continueStream } from "@fallback/stream/continue";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const broken = fakeModel("broken", ["Once upon ", "a ", step.fail(new Error("reset"))]);
 * const next = fakeModel("next", ["time", "."]);
 *
 * await using stream = await continueStream([broken, next], "Tell me a story", {
 *   resume: ({ request, chunks }) => `${request}: ${chunks.join("")}`,
 * });
 * assertEquals((await Array.fromAsync(stream)).join(""), "Once upon a time.");
 * ```
 *
 * @module
 */

export { chatSplice } from "./chat_splice.ts";
export { ContinuationError } from "./continuation_error.ts";
export { continueStream } from "./continue_stream.ts";
export type {
  ChunkSplice,
  ContinueOptions,
  Interruption,
  NextPart,
} from "./options.ts";
export { TextSplice, type TextSpliceOptions } from "./text_splice.ts";
export { continueText } from "../openai/mod.ts";
export type { Attempt } from "../types/attempt.ts";
export type { FallbackOptions } from "../types/options.ts";
export type { FallbackStream } from "../types/stream.ts";
export type { Model, ModelContext, ModelLike } from "../types/model.ts";
