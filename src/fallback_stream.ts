/**
 * The loop: models in order of preference, until one really answers.
 *
 * @module
 */

import { backOff } from "./_back_off.ts";
import { Call } from "./_call.ts";
import { type Chain, readChain } from "./_chain.ts";
import { CommittedStream } from "./_committed_stream.ts";
import { accepts } from "./_condition.ts";
import { ask, isAdmitted } from "./_health.ts";
import { LiveAttempt } from "./_live_attempt.ts";
import { Race } from "./_race.ts";
import { rememberAttempts } from "./attempts_of.ts";
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
 * @param models The models, best first. The list is copied.
 * @param request What every model is asked.
 * @param options When to fall back, what content is, how long to wait.
 * @returns The answer. It holds an open stream: iterate it to its end, or
 * close it, best with `await using`.
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
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If `models` or `fallbackOn` is empty.
 * @throws {RangeError} If a number is out of range: a duration, for one, that
 * is not from 0 to 2,147,483,647 ms.
 * @throws {AllModelsFailedError} If no model answers.
 * @throws {ModelTimeoutError} If `timeouts.totalMs` has run out.
 * @throws {SuppressedError} If `fallbackOn` or `retry.isRetriable` throws: its
 * error over the failure that it was asked about.
 * @throws A failure that `fallbackOn` refuses, as it is.
 * @throws The reason of `options.signal`, if that aborts.
 * @throws Whatever `hedge.budget` throws.
 */
export async function fallbackStream<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: NoInfer<Request>,
  options: FallbackOptions<NoInfer<Request>, NoInfer<Chunk>> = {},
): Promise<FallbackStream<Chunk>> {
  return await openChain(readChain(models, options), request, options.signal);
}

/**
 * Runs one call of a chain.
 *
 * @param attempts Where its records go, after those that are there.
 * @param from The place of the model that is tried first.
 */
export function openChain<Request, Chunk>(
  chain: Chain<Request, Chunk>,
  request: Request,
  signal: AbortSignal | undefined,
  attempts: Attempt[] = [],
  from = 0,
): Promise<CommittedStream<Chunk>> {
  const call = new Call(chain, signal, attempts);
  return call.around(() => open(call, request, from));
}

async function open<Request, Chunk>(
  call: Call<Request, Chunk>,
  request: Request,
  from: number,
): Promise<CommittedStream<Chunk>> {
  const { attempts, chain } = call;
  const before = attempts.length;
  try {
    call.throwIfStopped();
    chain.hedge?.options.budget?.earn();
    let stream = await firstAnswer(call, request, from);
    if (attempts.slice(before).every(({ outcome }) => outcome === "skipped")) {
      // An answer is worth more than a rule.
      call.gate = undefined;
      stream = await firstAnswer(call, request, from);
    }
    if (stream) return stream;
    throw new AllModelsFailedError(attempts);
  } catch (error) {
    call.stop(error);
    await call.settle();
    rememberAttempts(error, attempts);
    throw error;
  }
}

/**
 * The next model is started when one is spent or, as a hedge, beside one that is
 * slow, until one has an answer.
 */
async function firstAnswer<Request, Chunk>(
  call: Call<Request, Chunk>,
  request: Request,
  from: number,
): Promise<CommittedStream<Chunk> | undefined> {
  const { models, hedge } = call.chain;
  const race = hedge &&
    new Race<Request, Chunk, CommittedStream<Chunk>>(
      call,
      hedge,
      models.length - from,
    );
  for (let index = from; index < models.length; index++) {
    const runner = run(call, models[index]!, index, request);
    const stream = await (race ? race.turn(runner) : runner);
    if (stream) return stream;
  }
  return await race?.finish();
}

/** A model with its retries: its stream, or nothing once it is spent. */
async function run<Request, Chunk>(
  call: Call<Request, Chunk>,
  model: Model<Request, Chunk>,
  index: number,
  request: Request,
): Promise<CommittedStream<Chunk> | undefined> {
  const { conditions, retry } = call.chain;
  for (let tries = 1;; tries++) {
    const asked = call.gate && await ask(call, call.gate, model);
    if (asked && !isAdmitted(call, asked, model, index)) return undefined;
    // No turn from here to the opening: an abort in between would be missed.
    if (call.isDecided()) return undefined;
    const attempt = new LiveAttempt(call, model, index);
    try {
      return await answer(call, attempt, request);
    } catch (failure) {
      const accepted = !conditions ||
        await accepts(call, conditions, failure, attempt.record);
      if (call.isDecided()) return undefined;
      if (!accepted) throw failure;
      const again = retry &&
        await backOff(call, retry, failure, attempt.record, tries);
      if (!again || call.isDecided()) return undefined;
    }
  }
}

/** One attempt. What it opens is closed on every way out but the last line. */
async function answer<Request, Chunk>(
  call: Call<Request, Chunk>,
  attempt: LiveAttempt<Request, Chunk>,
  request: Request,
): Promise<CommittedStream<Chunk>> {
  await using stack = new AsyncDisposableStack(); // from Deno 2.3, Node 24, Bun 1.3.12
  stack.use(attempt);
  await attempt.commit(request);
  call.throwIfStopped();
  return new CommittedStream(call, attempt, stack.move());
}
