/**
 * A chain as one model, so that chains nest.
 *
 * @module
 */

import { readChain } from "./_chain.ts";
import type { NestingContext } from "./_live_attempt.ts";
import { openWithin } from "./_nesting.ts";
import type { FallbackOptions, Model, ModelLike } from "./types.ts";

/**
 * Makes a chain of models one model, for use in another chain. Its attempts
 * appear as `nested` in the record of the outer attempt, and the outer chain
 * waits until what the inner one had opened is closed.
 *
 * @typeParam Request What is asked; inferred from the models.
 * @typeParam Chunk One piece of an answer; inferred from the models.
 * @param models The models, best first. The list is copied.
 * @param options As for {@linkcode fallbackStream}; the signal is the outer
 * attempt's.
 * @returns A model named after its models: `"fallback:a,b"`.
 *
 * @example A cheap pair with short clocks, then a slow last resort
 * ```ts
 * import { fallbackModel, fallbackStream } from "@fallback/stream";
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const cheap = fakeModel("cheap", [fail(new Error("overloaded"))]);
 * const other = fakeModel("other", ["Hello"]);
 * const pair = fallbackModel([cheap, other], { timeouts: { contentMs: 2000 } });
 * const sure = fakeModel("sure", ["Good day"]);
 *
 * await using stream = await fallbackStream([pair, sure], "hi");
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * assertEquals(stream.model, "other");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If `models` or `fallbackOn` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function fallbackModel<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  options: Omit<
    FallbackOptions<NoInfer<Request>, NoInfer<Chunk>>,
    "signal"
  > = {},
): Model<Request, Chunk> {
  const chain = readChain(models, options);
  const names = chain.models.map(({ name }) => name);
  return {
    name: `fallback:${names.join(",")}`,
    stream: (request: Request, context: NestingContext) =>
      openWithin(context, chain, request, context.signal),
  };
}
