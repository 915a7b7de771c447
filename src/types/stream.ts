/**
 * What a call returns.
 *
 * @module
 */

import type { Attempt } from "./attempt.ts";

/**
 * The answer of one model: its chunks in order, pulled from the model only when
 * the caller pulls.
 *
 * Closing it (`break`, `return()`, `throw()`, `await using`) closes the model's
 * stream at once, even while a `next()` is pending. The first `return()` or
 * disposal throws the error that closing threw, if there is one.
 *
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface FallbackStream<Chunk>
  extends AsyncIterableIterator<Chunk, undefined, undefined>, AsyncDisposable {
  /** The name of the model that answers. In nested chains, of the innermost one. */
  readonly model: string;
  /** The attempts of the call, first to last. The records are live. */
  readonly attempts: readonly Attempt[];
  /**
   * Pulls the next chunk. Concurrent calls are answered in order. It rejects
   * once, after everything is closed or abandoned, and then returns `done`.
   *
   * @returns The chunk, or `done` once the stream has ended and is closed.
   *
   * @throws {ModelTimeoutError} If `idleMs` or `totalMs` has run out.
   * @throws {TruncatedStreamError} If the stream ends without its final chunk.
   * @throws The error of the model or of `isFinal`, unchanged.
   * @throws The reason of the caller's signal, if it aborts.
   */
  next(): Promise<IteratorResult<Chunk, undefined>>;
  /**
   * Closes the model's stream. Every pending `next()` is answered `done`.
   *
   * @returns `done`, once everything is closed or abandoned.
   *
   * @throws The error that closing threw, once. A close timeout is recorded,
   * not thrown.
   */
  return(): Promise<IteratorReturnResult<undefined>>;
  /**
   * Closes the model's stream like {@linkcode FallbackStream.return}, then
   * rejects with `error`.
   *
   * @param error The error to reject with.
   * @returns Never: the promise always rejects.
   *
   * @throws Always `error`.
   */
  throw(error?: unknown): Promise<IteratorResult<Chunk, undefined>>;
  /** The stream itself. */
  [Symbol.asyncIterator](): this;
  /**
   * The rest of the answer as a `ReadableStream` of chunks that reads nothing
   * ahead. Canceling it closes the model's stream. (The method of the same
   * name in the `openai` package yields bytes instead.)
   *
   * @returns A stream of the same chunks as this iterator.
   */
  toReadableStream(): ReadableStream<Chunk>;
}
