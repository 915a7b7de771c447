/**
 * Continuing an answer that was cut off.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { assertArgument, MAX_TIMEOUT_MS } from "../_shared/arguments.ts";
import { linkAttempts } from "../attempts_of.ts";
import { CallLog } from "../engine/call_log.ts";
import { type Chain, CHAIN_OPTION_NAMES, parseChain } from "../engine/chain.ts";
import type { CommittedStream } from "../engine/committed_stream.ts";
import { InspectableStream } from "../engine/inspect.ts";
import { openOnStack } from "../engine/nested_call.ts";
import { openChain } from "../engine/run_models.ts";
import { toReadableStream } from "../engine/to_readable_stream.ts";
import type { Attempt } from "../types/attempt.ts";
import type { ModelContext, ModelLike } from "../types/model.ts";
import type { FallbackOptions } from "../types/options.ts";
import type { FallbackStream } from "../types/stream.ts";

const OPTION_NAMES = {
  ...CHAIN_OPTION_NAMES,
  signal: true,
  resume: true,
} as const;

/**
 * What there is when a model has died in mid-answer.
 *
 * @typeParam Request What was asked.
 * @typeParam Chunk The type of one piece of the answer.
 */
export interface Interruption<Request, Chunk> {
  /** What was asked in the first place. */
  readonly request: Request;
  /** What was delivered so far, of all models. */
  readonly chunks: readonly Chunk[];
  /** The model that died. */
  readonly model: string;
  /** What it died of. */
  readonly error: unknown;
}

/**
 * Options of {@linkcode continueStream}.
 *
 * @typeParam Request What is asked.
 * @typeParam Chunk The type of one piece of an answer.
 */
export interface ContinueOptions<Request, Chunk>
  extends FallbackOptions<Request, Chunk> {
  /**
   * Makes the request for the models after the one that died, or gives up with
   * `undefined`: then the stream ends with the error. It is asked only while
   * models are left, and not if a final chunk was seen. What it throws ends the
   * stream.
   */
  resume: (
    interruption: Interruption<Request, Chunk>,
  ) => Request | undefined | PromiseLike<Request | undefined>;
}

/**
 * Like {@linkcode fallbackStream}, but an answer that is cut is continued: the
 * models after the failed one are asked what `resume` says, and their chunks
 * follow, without their preamble. The chunks are kept for that, here and nowhere
 * else. `totalMs` runs on over all models. What each of them is asked is a call
 * of its own: for events, for `health`, and for the spans of `./otel`.
 *
 * @typeParam Request What is asked; inferred from the models.
 * @typeParam Chunk One piece of an answer; inferred from the models.
 * @param models The models, best first. The list is copied.
 * @param request What they are asked at first.
 * @param options As for {@linkcode fallbackStream}, and `resume`.
 * @returns The answer. Its `model` is the one that answers at the moment. It
 * may also throw an {@linkcode AllModelsFailedError}, with the interruption
 * among its errors, or a `SuppressedError` of what `resume` threw over the
 * interruption.
 *
 * @example Go on only where the connection broke
 * ```ts
 * import { continueStream } from "@fallback/stream/continue";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const cut = fakeModel("cut", ["1, 2, ", step.fail(new Error("filtered"))]);
 * const next = fakeModel("next", ["3"]);
 *
 * await using stream = await continueStream([cut, next], "Count to 3", {
 *   resume({ request, chunks, error }) {
 *     if (error instanceof TypeError) return `${request}: ${chunks.join("")}`;
 *   },
 * });
 * assertEquals(await stream.next(), { done: false, value: "1, 2, " });
 * await assertRejects(() => stream.next(), Error, "filtered");
 * ```
 *
 * @throws {TypeError} If `resume` is missing, or an argument of the wrong kind.
 * @throws Whatever else {@linkcode fallbackStream} throws.
 */
export async function continueStream<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: NoInfer<Request>,
  options: ContinueOptions<NoInfer<Request>, NoInfer<Chunk>>,
): Promise<FallbackStream<Chunk>> {
  const chain = parseChain(models, options, OPTION_NAMES);
  const { resume } = options;
  assertArgument(
    typeof resume === "function",
    "options.resume",
    "be a function",
    resume,
  );
  const answer = new ContinuedAnswer(chain, request, options);
  return await answer.open();
}

/** An answer of several models, one after the other. */
class ContinuedAnswer<Request, Chunk> extends InspectableStream
  implements FallbackStream<Chunk> {
  /** The records of all parts. */
  readonly #log: CallLog;
  readonly #chain: Chain<Request, Chunk>;
  readonly #request: Request;
  readonly #options: ContinueOptions<Request, Chunk>;
  readonly #chunks: Chunk[] = [];
  /** The part that is being read. */
  #part!: CommittedStream<Chunk>;
  /** All parts as one: a call whose only model plays them. */
  #whole!: CommittedStream<Chunk>;

  constructor(
    chain: Chain<Request, Chunk>,
    request: Request,
    options: ContinueOptions<Request, Chunk>,
  ) {
    super();
    this.#log = new CallLog(chain);
    this.#chain = chain;
    this.#request = request;
    this.#options = options;
  }

  /**
   * Runs one more call around those of the parts: it brings everything that the
   * rules say of a stream, and the total clock, which must not start anew.
   */
  async open(): Promise<this> {
    const { totalMs } = this.#chain.timeouts;
    const whole: Chain<Request, Chunk> = {
      models: [{
        name: "continued",
        stream: async (request, context) => {
          await this.#openPart(request, 0, context);
          return this.#play(context);
        },
      }],
      fallbackTests: [() => false],
      listeners: [],
      options: { allowEmpty: true },
      timeouts: {
        openMs: undefined,
        firstContentMs: undefined,
        idleMs: undefined,
        totalMs,
        // The parts bound their closing themselves.
        closeMs: MAX_TIMEOUT_MS,
      },
      retry: undefined,
      hedge: undefined,
      lastModel: () => this.#log.lastModel ?? this.#chain.models[0]!.name,
    };
    const { signal } = this.#options;
    this.#whole = await this.#withAttempts(
      openChain(whole, this.#request, signal),
    );
    return this;
  }

  async #openPart(
    request: Request,
    from: number,
    { signal, stack }: ModelContext,
  ): Promise<void> {
    const timeouts = { ...this.#chain.timeouts, totalMs: undefined };
    const chain = { ...this.#chain, timeouts };
    this.#part = await openOnStack(
      stack,
      () => openChain(chain, request, signal, this.#log, from),
    );
  }

  async *#play(context: ModelContext): AsyncGenerator<Chunk> {
    for (let skipped = 0;;) {
      try {
        for await (const chunk of this.#part) {
          if (skipped-- > 0) continue;
          this.#chunks.push(chunk);
          yield chunk;
        }
        return;
      } catch (error) {
        skipped = await this.#resume(error, context);
      }
    }
  }

  /** Opens the next part: how many of its chunks are preamble. */
  async #resume(error: unknown, context: ModelContext): Promise<number> {
    const { attempt, isFinished, outcome } = this.#part;
    const from = attempt.modelIndex + 1;
    const isOver = outcome !== "interrupted" || context.signal.aborted ||
      isFinished || from === this.#chain.models.length;
    const request = isOver ? undefined : await this.#ask(error, context);
    if (request === undefined) throw error;
    await this.#openPart(request, from, context);
    return this.#part.preamble;
  }

  async #ask(
    error: unknown,
    { signal }: ModelContext,
  ): Promise<Request | undefined> {
    const interruption = {
      request: this.#request,
      chunks: this.#chunks.slice(),
      model: this.#part.model,
      error,
    };
    try {
      const answer = this.#options.resume(interruption);
      return await abortable(Promise.resolve(answer), signal);
    } catch (thrown) {
      throw new SuppressedError(thrown, error, "'options.resume' threw");
    }
  }

  /** Links the records that the caller knows to the errors. */
  async #withAttempts<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      linkAttempts(error, this.attempts);
      throw error;
    }
  }

  get model(): string {
    return this.#part.model;
  }

  get attempts(): readonly Attempt[] {
    return this.#log.attempts;
  }

  get outcome(): string {
    return this.#whole.outcome;
  }

  next(): Promise<IteratorResult<Chunk, undefined>> {
    return this.#withAttempts(this.#whole.next());
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.#withAttempts(this.#whole.return());
  }

  throw(error?: unknown): Promise<IteratorResult<Chunk, undefined>> {
    return this.#whole.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  toReadableStream(): ReadableStream<Chunk> {
    return toReadableStream(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
