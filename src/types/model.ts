/**
 * What a model is.
 *
 * @module
 */

import type { Usage } from "./attempt.ts";

/**
 * What `stream()` of a model returns: the chunks of an answer, as an async
 * iterable (an async generator, the stream object of an SDK) or as a
 * `ReadableStream`.
 *
 * A `ReadableStream` is read with a reader, so that it can be canceled while a
 * read is pending. If the source has `Symbol.asyncDispose` or `Symbol.dispose`,
 * that method is called when the attempt is closed.
 *
 * @typeParam Chunk The type of one chunk of an answer.
 */
export type StreamSource<Chunk> = ReadableStream<Chunk> | AsyncIterable<Chunk>;

/**
 * Opens one stream of a model. Throwing or rejecting fails the attempt. A
 * promise that never settles fails it only if `openMs` or `firstContentMs` is
 * set. An `async function*` returns at once, so `openMs` never applies to it:
 * use `firstContentMs`.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 * @param request The request, as the caller passed it.
 * @param context The signal, the stack and the number of this attempt.
 * @returns The stream, or a promise of it.
 */
export type ModelFunction<Request, Chunk> = (
  request: Request,
  context: ModelContext,
) => StreamSource<Chunk> | PromiseLike<StreamSource<Chunk>>;

/**
 * A language model that can open a stream.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface Model<Request, Chunk> {
  /** The name of the model in records, events, errors and health stores. */
  readonly name: string;
  /** What the provider calls the model. Telemetry reports it. */
  readonly modelId?: string | undefined;
  /** Who serves the model, for instance `"openai"`. */
  readonly provider?: string | undefined;
  /** Opens one stream of the model. */
  readonly stream: ModelFunction<Request, Chunk>;
  /**
   * Whether a chunk carries content. The first one that does commits the call
   * to this model. Chunks before it are buffered, at most 1,024 of them, and
   * the next model can still take over. Without this method every chunk is
   * content. An error that it throws fails the attempt, and so does a promise
   * that it returns.
   *
   * @param chunk A chunk. Not called again after it returned `true`.
   * @returns Whether the chunk carries content.
   */
  isContent?(chunk: NoInfer<Chunk>): boolean;
  /**
   * Whether a chunk ends a complete answer. If this method is given, a stream
   * that ends without such a chunk was cut off and fails. An error that it
   * throws, or a promise that it returns, is a failure too.
   *
   * @param chunk A chunk. Called once for each chunk.
   * @returns Whether the answer is complete.
   */
  isFinal?(chunk: NoInfer<Chunk>): boolean;
  /**
   * The tokens that a chunk reports. Reports of one attempt are merged field by
   * field, and the latest value of a field counts. What it throws is ignored.
   *
   * @param chunk A chunk. Called once for each chunk.
   * @returns The tokens so far, or `undefined` if the chunk reports none.
   */
  usage?(chunk: NoInfer<Chunk>): Usage | undefined;
}

/**
 * A model, or only the function that opens its stream. A function is named by
 * its `name`, or by its position in the list: `"model-1"`.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 */
export type ModelLike<Request, Chunk> =
  | ModelFunction<Request, Chunk>
  | Model<Request, Chunk>;

/** What a model receives besides the request. Each attempt has its own. */
export interface ModelContext {
  /**
   * Aborts when this attempt fails or is canceled; the reason is what ended it.
   * It does not abort after the source has ended by itself.
   */
  readonly signal: AbortSignal;
  /**
   * Holds what has to be closed with this attempt, last in, first out. What is
   * added after the attempt has ended is closed at once, and that call throws
   * the signal's reason, or a `ReferenceError` if the source ended by itself.
   */
  readonly stack: Pick<AsyncDisposableStack, "use" | "adopt" | "defer">;
  /** The name of the model. */
  readonly model: string;
  /** The number of this attempt within the call, from 1. */
  readonly attemptNumber: number;
}
