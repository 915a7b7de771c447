/**
 * The options of continuing.
 *
 * @module
 */

import type { FallbackOptions } from "../types/options.ts";

/**
 * The state when a model has failed in the middle of its answer.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface Interruption<Request, Chunk> {
  /** The original request. */
  readonly request: Request;
  /** The chunks that were delivered so far, of all models. */
  readonly chunks: readonly Chunk[];
  /** The model that failed. */
  readonly model: string;
  /** Why it failed. */
  readonly error: unknown;
}

/**
 * The state when the next model begins to answer.
 *
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface NextPart<Chunk> {
  /** The chunks that were delivered so far, of all models. */
  readonly chunks: readonly Chunk[];
  /** The model that continues. */
  readonly model: string;
}

/**
 * Joins the chunks of one part to those that were delivered before it. An error
 * of its methods ends the stream.
 *
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface ChunkSplice<Chunk> {
  /**
   * Takes the next chunk of the part.
   *
   * @param chunk The chunk.
   * @returns The chunks to deliver: one chunk, several in an array, or `undefined`
   * for none.
   */
  push(chunk: Chunk): Chunk | readonly Chunk[] | undefined;
  /**
   * The part has ended.
   *
   * @returns The chunks to deliver after its last one.
   */
  end(): Chunk | readonly Chunk[] | undefined;
}

/**
 * Options of `continueStream`.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface ContinueOptions<Request, Chunk>
  extends FallbackOptions<Request, Chunk> {
  /**
   * Makes the request for the models after the one that failed, or gives up with
   * `undefined`: then the stream ends with the error. It is called only while
   * models are left, and not after a final chunk. An error that it throws ends the
   * stream. Only an abort or `timeouts.totalMs` ends the wait for its promise.
   *
   * @param interruption What was delivered, and why it broke off.
   * @returns The request, or `undefined`, or a promise of one of them.
   */
  resume: (
    interruption: Interruption<Request, Chunk>,
  ) => Request | undefined | PromiseLike<Request | undefined>;
  /**
   * Joins the chunks of the next model to those that were delivered: called when
   * that model begins to answer. `chatSplice` is for chunks of `./openai`; for
   * chunks that are strings, return a `TextSplice`. Without it they follow as
   * they are.
   *
   * @param part What was delivered, and who continues.
   * @returns The splice for this part.
   */
  splice?:
    | ((part: NextPart<Chunk>) => ChunkSplice<Chunk>)
    | undefined;
}

/** Keeps the delivered chunks. */
export interface DeliveryLog<Chunk> {
  /** Called for each chunk that is delivered. */
  add(chunk: Chunk): void;
  /** The `chunks` for `resume` and `splice`. */
  chunks(): readonly Chunk[];
}
