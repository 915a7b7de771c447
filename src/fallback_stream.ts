/**
 * The main function.
 *
 * @module
 */

import { CHAIN_OPTION_NAMES, parseChain } from "./engine/chain.ts";
import { openChain } from "./engine/run_models.ts";
import type { ModelLike } from "./types/model.ts";
import type { FallbackOptions } from "./types/options.ts";
import type { FallbackStream } from "./types/stream.ts";

const OPTION_NAMES = { ...CHAIN_OPTION_NAMES, signal: true } as const;

/**
 * Opens the models' streams in order until one proves with its first content
 * that it answers, and returns that answer. A model that fails before its first
 * content is closed completely before the next one is opened. After the first
 * content no other model is opened, so answers are never mixed.
 *
 * Inspired by `FallbackModel.request_stream` of pydantic-ai.
 *
 * @typeParam Request The type of the request; inferred from the models.
 * @typeParam Chunk The type of one chunk; inferred from the models.
 * @param models The models, in order of preference. The list is copied.
 * @param request The request that each model receives.
 * @param options When to fall back, what content is, how long to wait.
 * @returns The answer. It owns an open stream: iterate it to the end, or close
 * it, best with `await using`.
 *
 * @example The second model answers
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { assertEquals } from "@std/assert";
 *
 * async function* overloaded(): AsyncGenerator<string> {
 *   throw new Error("529 overloaded");
 * }
 * async function* steady(prompt: string): AsyncGenerator<string> {
 *   yield "You said: ";
 *   yield prompt;
 * }
 *
 * await using stream = await fallbackStream([overloaded, steady], "hi");
 * assertEquals(await Array.fromAsync(stream), ["You said: ", "hi"]);
 * assertEquals(stream.model, "steady");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind, or an option is
 * unknown.
 * @throws {RangeError} If `models` or a condition is an empty list.
 * @throws {RangeError} If a number is out of range, for instance a duration that
 * is not from 0 to 2,147,483,647 ms.
 * @throws {AllModelsFailedError} If no model answers.
 * @throws {ModelTimeoutError} If `timeouts.totalMs` has run out.
 * @throws {SuppressedError} If `fallbackOn` or `retry.isRetriable` throws:
 * `error` is what it threw, `suppressed` the failure of the model.
 * @throws A failure that `fallbackOn` refuses, unchanged.
 * @throws The reason of `options.signal`, if it aborts.
 * @throws What `hedge.budget` throws.
 */
export async function fallbackStream<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: NoInfer<Request>,
  options: FallbackOptions<NoInfer<Request>, NoInfer<Chunk>> = {},
): Promise<FallbackStream<Chunk>> {
  const chain = parseChain(models, options, OPTION_NAMES);
  return await openChain(chain, request, options.signal);
}
