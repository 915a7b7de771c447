/**
 * The loop: models in order of preference, until one really answers.
 *
 * @module
 */

import { Call } from "./_call.ts";
import { type Chain, readChain } from "./_chain.ts";
import { CommittedStream } from "./_committed_stream.ts";
import { accepts } from "./_condition.ts";
import { LiveAttempt } from "./_live_attempt.ts";
import { AllModelsFailedError } from "./errors.ts";
import type {
  Attempt,
  FallbackOptions,
  FallbackStream,
  Model,
  ModelLike,
} from "./types.ts";

/**
 * Opens the models' streams in order until one proves by its first content
 * that it is answering, and hands that answer on. A model that fails before is
 * closed completely before the next one is opened; from then on no other model
 * is, so that two answers are never mixed.
 *
 * The origin is `FallbackModel.request_stream` of pydantic-ai.
 *
 * @typeParam Request What is asked; inferred from the models.
 * @typeParam Chunk One piece of an answer; inferred from the models.
 *
 * @param models The models, best first. The list is copied.
 * @param request What every model is asked.
 * @param options When to fall back, what content is, how long to wait.
 * @returns The answer. It holds an open stream: iterate it to its end, or
 * close it, best with `await using`.
 *
 * @throws {AllModelsFailedError} If no model answered.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If `models` or `fallbackOn` is empty, or a duration is
 * not from 0 to 2,147,483,647 ms.
 * @throws {ModelTimeoutError} If `timeouts.totalMs` has run out.
 * @throws The reason of `options.signal`, if that aborts; a failure that
 * `fallbackOn` refused, as it is; a `SuppressedError` of what `fallbackOn`
 * threw over the failure it was asked about.
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
 */
export async function fallbackStream<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: NoInfer<Request>,
  options: FallbackOptions<NoInfer<Request>, NoInfer<Chunk>> = {},
): Promise<FallbackStream<Chunk>> {
  return await openChain(readChain(models, options), request, options.signal);
}

/** Runs one call of a chain; `onStart` is given its live records. */
export async function openChain<Request, Chunk>(
  chain: Chain<Request, Chunk>,
  request: Request,
  signal: AbortSignal | undefined,
  onStart?: (attempts: readonly Attempt[]) => void,
): Promise<CommittedStream<Chunk>> {
  const call = new Call(chain, signal);
  onStart?.(call.attempts);
  try {
    call.throwIfStopped();
    for (const [index, model] of chain.models.entries()) {
      try {
        return await answer(call, model, index, request);
      } catch (failure) {
        call.throwIfStopped();
        const accepted = await accepts(call, failure);
        call.throwIfStopped();
        if (!accepted) throw failure;
      }
    }
    throw new AllModelsFailedError(call.attempts);
  } catch (error) {
    call.fail(error);
    throw error;
  }
}

/** One attempt. What it opens is closed on every way out but the last line. */
async function answer<Request, Chunk>(
  call: Call<Request, Chunk>,
  model: Model<Request, Chunk>,
  index: number,
  request: Request,
): Promise<CommittedStream<Chunk>> {
  await using stack = new AsyncDisposableStack();
  const attempt = stack.use(new LiveAttempt(call, model, index));
  await attempt.commit(request);
  call.throwIfStopped();
  return new CommittedStream(call, attempt, stack.move());
}
