/**
 * Continuing after a cut: when a model dies in mid-answer, the models after it
 * go on where it stopped. What they are asked is the caller's own choice.
 *
 * ```ts
 * import { continueStream } from "@fallback/stream/continue";
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const cut = fakeModel("cut", ["Once upon ", "a ", fail(new Error("reset"))]);
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

import { abortable } from "@std/async/abortable";
import { expectFunction, LONGEST_MS } from "./_arguments.ts";
import { type Chain, readChain } from "./_chain.ts";
import type { CommittedStream } from "./_committed_stream.ts";
import { whenClosed } from "./_nesting.ts";
import { toReadableStream } from "./_readable.ts";
import { rememberAttempts } from "./attempts_of.ts";
import { openChain } from "./fallback_stream.ts";
import type {
  Attempt,
  FallbackOptions,
  FallbackStream,
  ModelContext,
  ModelLike,
} from "./types.ts";

export type {
  Attempt,
  FallbackOptions,
  FallbackStream,
  Model,
  ModelContext,
  ModelLike,
} from "./types.ts";

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
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const cut = fakeModel("cut", ["1, 2, ", fail(new Error("filtered"))]);
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
  const chain = readChain(models, options);
  expectFunction("options.resume", options.resume ?? null);
  const answer = new ContinuedAnswer(chain, request, options);
  return await answer.open();
}

/** An answer of several models, one after the other. */
class ContinuedAnswer<Request, Chunk> implements FallbackStream<Chunk> {
  readonly attempts: Attempt[] = [];
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
    this.#chain = chain;
    this.#request = request;
    this.#options = options;
  }

  /**
   * Runs one more call around those of the parts: it brings everything that the
   * rules say of a stream, and the total clock, which must not start anew.
   */
  async open(): Promise<this> {
    const { totalMs } = this.#chain.clocks;
    const whole: Chain<Request, Chunk> = {
      models: [{
        name: "continued",
        stream: async (request, context) => {
          await this.#openPart(request, 0, context);
          return this.#play(context);
        },
      }],
      conditions: [() => false],
      options: { allowEmpty: true },
      clocks: {
        openMs: undefined,
        contentMs: undefined,
        idleMs: undefined,
        totalMs,
        // The parts bound their closing themselves.
        closeMs: LONGEST_MS,
      },
      retry: undefined,
      hedge: undefined,
      lastModel: () =>
        this.attempts.at(-1)?.model ?? this.#chain.models[0]!.name,
    };
    const { signal } = this.#options;
    this.#whole = await this.#tell(openChain(whole, this.#request, signal));
    return this;
  }

  async #openPart(
    request: Request,
    from: number,
    { signal, stack }: ModelContext,
  ): Promise<void> {
    const clocks = { ...this.#chain.clocks, totalMs: undefined };
    const chain = { ...this.#chain, clocks };
    const opening = openChain(chain, request, signal, this.attempts, from);
    stack.defer(whenClosed(opening));
    this.#part = await opening;
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
    const { index, outcome } = this.#part.attempt.record;
    const from = index + 1;
    const isOver = outcome !== "interrupted" || context.signal.aborted ||
      isFinished(this.#part) || from === this.#chain.models.length;
    const request = isOver ? undefined : await this.#ask(error, context);
    if (request === undefined) throw error;
    await this.#openPart(request, from, context);
    return preambleOf(this.#part);
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
      throw new SuppressedError(thrown, error, "'resume' threw");
    }
  }

  /** Tells `attemptsOf` of the records that the caller knows. */
  async #tell<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      rememberAttempts(error, this.attempts);
      throw error;
    }
  }

  get model(): string {
    return this.#part.model;
  }

  next(): Promise<IteratorResult<Chunk, undefined>> {
    return this.#tell(this.#whole.next());
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.#tell(this.#whole.return());
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

/** How many chunks of an answer that was just opened come before its content. */
function preambleOf<Chunk>(stream: CommittedStream<Chunk>): number {
  const hasContent = stream.attempt.record.contentAt !== undefined;
  return heldBy(stream) - Number(hasContent);
}

function heldBy<Chunk>({ attempt }: CommittedStream<Chunk>): number {
  const { held, inner } = attempt;
  return held.length + (inner ? heldBy(inner) : 0);
}

/** Whether its final chunk was seen, by the chain or by one within. */
function isFinished<Chunk>({ attempt }: CommittedStream<Chunk>): boolean {
  const { inner } = attempt;
  return attempt.isFinished || inner !== undefined && isFinished(inner);
}
