/**
 * Continuing after a cut: when a model dies in mid-answer, the models after it
 * go on where it stopped. What they are asked is the caller's own choice.
 *
 * ```ts
 * import { continueStream } from "@fallback/stream/continue";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const cut = fakeModel("cut", ["Once upon ", "a ", step.fail(new Error("reset"))]);
 * const next = fakeModel("next", ["time", "."]);
 *
 * await using stream = await continueStream([cut, next], "Tell me a story", {
 *   resume: ({ request, chunks }) => `${request}: ${chunks.join("")}`,
 * });
 * assertEquals((await Array.fromAsync(stream)).join(""), "Once upon a time.");
 * ```
 *
 * @module
 */

export {
  type ContinueOptions,
  continueStream,
  type Interruption,
} from "./continue_stream.ts";
export type { Attempt } from "../types/attempt.ts";
export type { FallbackOptions } from "../types/options.ts";
export type { FallbackStream } from "../types/stream.ts";
export type { Model, ModelContext, ModelLike } from "../types/model.ts";
