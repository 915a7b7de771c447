// The answer of the one model that is committed. There is one way to end: take
// the pulls that wait, close everything, then answer them.

import type { Call, Failure } from "./_call.ts";
import { thrownOnClose } from "./_close.ts";
import { IdleClock } from "./_idle_clock.ts";
import type { LiveAttempt } from "./_live_attempt.ts";
import { toReadableStream } from "./_readable.ts";
import type { Source } from "./_source.ts";
import { rememberAttempts } from "./attempts_of.ts";
import { ModelTimeoutError } from "./errors.ts";
import type { Attempt, FallbackStream } from "./types.ts";

type Result<Chunk> = IteratorResult<Chunk, undefined>;
/** Answers one `next()`; a rejected promise makes it reject. */
type Answer<Chunk> = (result: Result<Chunk> | Promise<never>) => void;

/** What {@linkcode fallbackStream} gives. */
export class CommittedStream<Chunk> implements FallbackStream<Chunk> {
  readonly #call: Call<never, Chunk>;
  readonly #attempt: LiveAttempt<never, Chunk>;
  readonly #source: Source<Chunk>;
  /** Holds the attempt, and so everything that has to be closed. */
  readonly #stack: AsyncDisposableStack;
  readonly #idle: IdleClock | undefined;
  /** The `next()` that waits for the source. */
  #waiting: Answer<Chunk> | undefined;
  /** Those that wait behind it. */
  readonly #queue: Answer<Chunk>[] = [];
  /** Set from the moment when the stream ends: resolves when all is closed. */
  #closed: Promise<void> | undefined;
  /** Why it was stopped, for the next `next()`. */
  #rejection: Failure | undefined;
  #closeErrorThrown = false;

  constructor(
    call: Call<never, Chunk>,
    attempt: LiveAttempt<never, Chunk>,
    stack: AsyncDisposableStack,
  ) {
    this.#call = call;
    this.#attempt = attempt;
    this.#source = attempt.source!;
    this.#stack = stack;
    const { idleMs } = call.chain.clocks;
    if (idleMs !== undefined) {
      const { model } = attempt.record;
      this.#idle = new IdleClock(idleMs, () => {
        this.#interrupt(new ModelTimeoutError(model, "idle", idleMs));
      });
    }
    call.running.delete(attempt);
    call.running.add(this);
    call.report(attempt.record.model, "success");
  }

  get model(): string {
    return this.#attempt.inner?.model ?? this.#attempt.record.model;
  }

  /** The attempt that is committed. */
  get attempt(): LiveAttempt<never, Chunk> {
    return this.#attempt;
  }

  get attempts(): readonly Attempt[] {
    return this.#call.attempts;
  }

  next(): Promise<Result<Chunk>> {
    if (this.#closed) return this.#afterEnd(this.#closed);
    if (this.#waiting) {
      return new Promise((answer) => this.#queue.push(answer));
    }
    const { held } = this.#attempt;
    if (held.length > 0) {
      this.#attempt.record.chunks++;
      return Promise.resolve({ done: false, value: held.shift()! });
    }
    if (this.#source.exhausted) return this.#afterEnd(this.#end("completed"));
    const answer = new Promise(this.#wait);
    this.#pull();
    return answer;
  }

  readonly #wait = (answer: Answer<Chunk>): void => {
    this.#waiting = answer;
  };

  #pull(): void {
    this.#idle?.start();
    const pulling = this.#call.isSeen
      ? this.#call.around(() => this.#source.pull(), this.#attempt.record)
      : this.#source.pull();
    pulling.then(this.#onResult, this.#onError);
  }

  readonly #onResult = (result: IteratorResult<Chunk>): void => {
    if (this.#closed) return;
    this.#idle?.pause();
    let isEnd;
    try {
      isEnd = this.#attempt.isEnd(result);
    } catch (error) {
      return this.#interrupt(error);
    }
    // The caller's own `isFinal` may have closed the stream.
    if (this.#closed) return;
    if (isEnd) return void this.#end("completed");
    this.#attempt.record.chunks++;
    // The source's own result: a new object for every chunk would cost a tenth.
    this.#waiting!(result as IteratorYieldResult<Chunk>);
    this.#waiting = undefined;
    if (this.#queue.length === 0) return;
    this.#waiting = this.#queue.shift();
    this.#pull();
  };

  readonly #onError = (error: unknown): void => {
    if (this.#closed) return;
    this.#source.exhausted = true;
    this.#interrupt(error);
  };

  #interrupt(error: unknown): void {
    const failure = { error };
    this.#end("interrupted", failure);
    this.#call.report(this.#attempt.record.model, "failure", failure);
  }

  /** The call is stopped from outside. */
  stop(_outcome: "cancelled" | "lost", failure?: Failure): void {
    this.#end("cancelled", failure);
  }

  /** Ends the stream; `failure` is for the oldest `next()`, or else the next. */
  #end(
    outcome: "completed" | "interrupted" | "cancelled",
    failure?: Failure,
  ): Promise<void> {
    // Whatever is told of the end below may call this stream again.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    const pending = this.#waiting ? [this.#waiting, ...this.#queue] : [];
    if (pending.length === 0) this.#rejection = failure;
    this.#close(outcome, failure, pending).then(resolve);
    return promise;
  }

  async #close(
    outcome: "completed" | "interrupted" | "cancelled",
    failure: Failure | undefined,
    pending: Answer<Chunk>[],
  ): Promise<void> {
    this.#idle?.stop();
    this.#call.end();
    this.#attempt.held.length = 0;
    this.#attempt.end(outcome, failure);
    if (failure) rememberAttempts(failure.error, this.attempts);
    await this.#stack.disposeAsync();
    if (this.#call.runners.length > 0) await this.#call.settle();
    if (failure) pending.shift()?.(Promise.reject(failure.error));
    for (const answer of pending) answer(done());
  }

  async #afterEnd(closed: Promise<void>): Promise<Result<Chunk>> {
    const rejection = this.#rejection;
    this.#rejection = undefined;
    await closed;
    if (rejection) throw rejection.error;
    return done();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#abandon();
    const closeError = thrownOnClose(this.#attempt.record);
    if (closeError.length > 0 && !this.#closeErrorThrown) {
      this.#closeErrorThrown = true;
      rememberAttempts(closeError[0], this.attempts);
      throw closeError[0];
    }
    return done();
  }

  async throw(error?: unknown): Promise<Result<Chunk>> {
    await this.#abandon();
    throw error;
  }

  /** The caller wants no more, nor what was still to be thrown. */
  #abandon(): Promise<void> {
    this.#rejection = undefined;
    return this.#closed ?? this.#end("cancelled");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  toReadableStream(): ReadableStream<Chunk> {
    return toReadableStream(this);
  }
}

function done(): IteratorReturnResult<undefined> {
  return { done: true, value: undefined };
}
