// The answer of the one model that is committed. There is one way to end: detach
// the pending `next()` calls, close everything, then settle them. All of that is
// one class, because every method depends on whether the end has begun.

import { linkAttempts } from "../attempts_of.ts";
import { ModelTimeoutError } from "../errors.ts";
import type { Attempt } from "../types/attempt.ts";
import type { FallbackStream } from "../types/stream.ts";
import type { AttemptRunner, Opened } from "./attempt_runner.ts";
import type { Call } from "./call.ts";
import type { Cancellable } from "./cancel_scope.ts";
import { closeErrorToThrow } from "./close.ts";
import type { Failure } from "./failure.ts";
import { IdleTimer } from "./idle_timer.ts";
import { InspectableStream } from "./inspect.ts";
import { Queue } from "./queue.ts";
import { type ReadySource, takeReady } from "./ready.ts";
import type { Source, SourceConsumer } from "./source.ts";
import { toReadableStream } from "./to_readable_stream.ts";

type Result<Chunk> = IteratorResult<Chunk, undefined>;
/** Settles one `next()`. A rejected promise makes it reject. */
type Settle<Chunk> = (result: Result<Chunk> | Promise<never>) => void;
type EndOutcome = "completed" | "interrupted" | "cancelled";

/** The stream that {@linkcode fallbackStream} returns. */
export class CommittedStream<Chunk> extends InspectableStream
  implements
    FallbackStream<Chunk>,
    ReadySource<Chunk>,
    SourceConsumer<Chunk>,
    Cancellable {
  /** The attempt that is committed. */
  readonly attempt: AttemptRunner<never, Chunk>;
  /** The committed stream of a nested chain. */
  readonly inner: CommittedStream<Chunk> | undefined;
  readonly #call: Call<never, Chunk>;
  readonly #source: Source<Chunk>;
  /** Chunks that have arrived and wait for a `next()`. */
  readonly #buffered: Chunk[];
  /** How many of the buffered chunks are the first content. */
  readonly #contentCount: number;
  /** Owns the attempt, and with it everything that has to be closed. */
  readonly #stack: AsyncDisposableStack;
  readonly #idle: IdleTimer | undefined;
  /** The `next()` that waits for the source. */
  #waiting: Settle<Chunk> | undefined;
  /** The `next()` calls behind it. */
  #queue: Queue<Settle<Chunk>> | undefined;
  #outcome: "streaming" | EndOutcome = "streaming";
  /** Resolves when all is closed. Set from the moment when the stream ends. */
  #closed: Promise<void> | undefined;
  /** What the next `next()` rejects with. */
  #rejection: Failure | undefined;
  #hasThrownCloseError = false;

  constructor(
    call: Call<never, Chunk>,
    attempt: AttemptRunner<never, Chunk>,
    { source, buffered, preamble, inner }: Opened<Chunk>,
    stack: AsyncDisposableStack,
  ) {
    super();
    this.attempt = attempt;
    this.inner = inner;
    this.#call = call;
    this.#source = source;
    this.#buffered = buffered;
    this.#contentCount = buffered.length - preamble;
    this.#stack = stack;
    const { idleMs } = attempt;
    if (idleMs !== undefined) {
      this.#idle = new IdleTimer(idleMs, () => {
        const { model } = this.attempt;
        this.#interrupt(new ModelTimeoutError(model, "idle", idleMs));
      });
    }
  }

  get model(): string {
    return this.inner?.model ?? this.attempt.model;
  }

  get attempts(): readonly Attempt[] {
    return this.#call.log.attempts;
  }

  get outcome(): "streaming" | EndOutcome {
    return this.#outcome;
  }

  /** Resolves when everything is closed; `undefined` before the end. */
  get closed(): Promise<void> | undefined {
    return this.#closed;
  }

  /** Whether the chunk that ends a complete answer was seen. */
  get isFinished(): boolean {
    return this.attempt.reader!.isFinished || this.inner?.isFinished === true;
  }

  /** How many chunks precede the content, before any chunk is delivered. */
  get preamble(): number {
    return this.#undelivered - this.#contentCount;
  }

  /** How many chunks are buffered, here and in nested chains. */
  get #undelivered(): number {
    return this.#buffered.length + (this.inner ? this.inner.#undelivered : 0);
  }

  next(): Promise<Result<Chunk>> {
    if (this.#closed) return this.#afterEnd(this.#closed);
    if (this.#waiting) {
      this.#queue ??= new Queue();
      return new Promise((settle) => this.#queue!.push(settle));
    }
    if (this.#buffered.length > 0) {
      return Promise.resolve({ done: false, value: this.#takeBuffered() });
    }
    if (this.#source.ended) return this.#afterEnd(this.#end("completed"));
    const result = new Promise(this.#wait);
    this.#pull();
    return result;
  }

  readonly #wait = (settle: Settle<Chunk>): void => {
    this.#waiting = settle;
  };

  #takeBuffered(): Chunk {
    this.attempt.countChunk();
    return this.#buffered.shift()!;
  }

  /** The next chunk if it has already arrived and no `next()` waits for it. */
  [takeReady](): IteratorYieldResult<Chunk> | undefined {
    if (this.#closed || this.#waiting) return undefined;
    for (;;) {
      if (this.#buffered.length > 0) {
        return { done: false, value: this.#takeBuffered() };
      }
      const result = this.#source.takeReady();
      if (!result) return undefined;
      const ready = this.#accept(result);
      if (this.#closed || ready) return ready;
    }
  }

  #pull(): void {
    this.#idle?.start();
    const { log } = this.#call;
    if (log.hooks.length === 0) return this.#source.pull();
    const { record } = this.attempt;
    this.#source.pull((pull) => log.runInContext(pull, record));
  }

  onResult(result: IteratorResult<Chunk>): void {
    if (this.#closed) return;
    this.#idle?.pause();
    const chunk = this.#accept(result);
    if (this.#closed) return;
    // A mapped model may have nothing for the caller.
    if (!chunk) return this.#pull();
    this.#waiting!(chunk);
    this.#waiting = undefined;
    const queue = this.#queue;
    if (!queue) return;
    while (queue.length > 0 && this.#buffered.length > 0) {
      queue.shift()({ done: false, value: this.#takeBuffered() });
    }
    if (queue.length === 0) return;
    this.#waiting = queue.shift();
    this.#pull();
  }

  /**
   * Looks at a result of the source.
   *
   * @returns The chunk for the caller; `undefined` if there is none, or if the
   * stream has ended.
   */
  #accept(
    result: IteratorResult<Chunk>,
  ): IteratorYieldResult<Chunk> | undefined {
    const { attempt } = this;
    const reader = attempt.reader!;
    try {
      if (result.done) {
        attempt.checkComplete();
        this.#end("completed");
        return undefined;
      }
      attempt.observe(result.value);
      if (this.#closed) return undefined;
      if (!reader.isMapped) {
        attempt.countChunk();
        // The source's own result: a new object per chunk is measurable.
        return result;
      }
      const chunks = reader.convert(result.value);
      if (this.#closed || chunks.length === 0) return undefined;
      for (const chunk of chunks) this.#buffered.push(chunk);
    } catch (error) {
      this.#interrupt(error);
      return undefined;
    }
    return { done: false, value: this.#takeBuffered() };
  }

  onError(error: unknown): void {
    this.#interrupt(error);
  }

  #interrupt(error: unknown): void {
    // User code may have ended the stream before it threw.
    if (this.#closed) return;
    const failure = { error };
    this.#end("interrupted", failure);
    this.#call.log.report(this.attempt.model, "failure", failure);
  }

  /** The call was canceled. */
  stop(_outcome: "cancelled" | "lost", failure?: Failure): boolean {
    if (this.#closed) return false;
    this.#end("cancelled", failure);
    return true;
  }

  /** Ends the stream. `failure` is for the oldest `next()`, or for the next one. */
  #end(outcome: EndOutcome, failure?: Failure): Promise<void> {
    if (this.#closed) return this.#closed;
    // Listeners and disposers below may call this stream again.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#outcome = outcome;
    const pending = this.#queue ?? new Queue<Settle<Chunk>>();
    const oldest = this.#waiting;
    this.#waiting = undefined;
    if (!oldest) this.#rejection = failure;
    this.#close(outcome, failure).then(() => {
      resolve();
      if (oldest) {
        oldest(failure ? Promise.reject(failure.error) : done());
      }
      while (pending.length > 0) pending.shift()(done());
    });
    return promise;
  }

  async #close(outcome: EndOutcome, failure?: Failure): Promise<void> {
    this.#idle?.stop();
    this.#call.scope.detach();
    this.#call.scope.delete(this);
    this.#buffered.length = 0;
    this.attempt.end(outcome, failure);
    if (failure) linkAttempts(failure.error, this.attempts);
    // To dispose of a stack takes a microsecond, also if there is nothing to do.
    if (this.attempt.needsClosing) await this.#stack.disposeAsync();
    const { runners } = this.#call;
    if (runners.length > 0) await Promise.allSettled(runners);
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
    const failure = closeErrorToThrow(this.attempt.closeError);
    if (failure && !this.#hasThrownCloseError) {
      this.#hasThrownCloseError = true;
      linkAttempts(failure.error, this.attempts);
      throw failure.error;
    }
    return done();
  }

  async throw(error?: unknown): Promise<Result<Chunk>> {
    await this.#abandon();
    throw error;
  }

  /** The caller wants no more chunks, and no error that is still to come. */
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
