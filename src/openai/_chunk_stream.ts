// The chunks of one response body, as an iterator. A class and not a generator,
// because the `return()` of a generator waits for a pending `next()`.

import {
  type FinishNote,
  finishNote,
  type NotedSource,
} from "../engine/finish_note.ts";
import { type ReadySource, takeReady } from "../engine/ready.ts";
import type { ChatChunk } from "./_chat.ts";
import type { ChunkParser } from "./_chunk_parser.ts";
import { isUsual } from "./_finish_reason.ts";
import { ignoreRejection } from "../_shared/ignore_errors.ts";

type Result = IteratorResult<ChatChunk, undefined>;

/** How long a complete answer may be silent before it ends, in milliseconds. */
const SILENCE_MS = 1000;

const END: Result = { done: true, value: undefined };

/** Reads one packet at a time, when it is pulled and no chunk is left. */
export class ChunkStream
  implements
    AsyncIterableIterator<ChatChunk, undefined>,
    ReadySource<ChatChunk>,
    NotedSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #parser: ChunkParser;
  readonly #signal: AbortSignal;
  readonly #convertError: (error: unknown) => unknown;
  /** The `next()` that waits for a packet. */
  #reading: Promise<Result> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /**
   * @param reader Reads the body. It is canceled when the answer has ended.
   * @param parser Parses the body.
   * @param signal The signal of the attempt. Its reason is thrown once it has
   * aborted.
   * @param convertError Converts an error of the connection.
   */
  constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    parser: ChunkParser,
    signal: AbortSignal,
    convertError: (error: unknown) => unknown,
  ) {
    this.#reader = reader;
    this.#parser = parser;
    this.#signal = signal;
    this.#convertError = convertError;
    // Deno's fetch may lose its signal to the garbage collector.
    signal.addEventListener("abort", this, { once: true });
  }

  /** The attempt was aborted. */
  handleEvent(): void {
    ignoreRejection(this.#reader.cancel(this.#signal.reason));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#isClosed) return Promise.resolve(END);
    const reading = this.#reading;
    if (reading) {
      const next = () => this.next();
      return reading.then(next, next);
    }
    const value = this.#parser.take();
    if (value) return Promise.resolve({ done: false, value });
    return this.#parser.hasEnded ? this.#end() : this.#read();
  }

  [takeReady](): IteratorYieldResult<ChatChunk> | undefined {
    if (this.#isClosed) return undefined;
    const value = this.#parser.take();
    return value && { done: false, value };
  }

  get [finishNote](): FinishNote | undefined {
    const { finishReason, responseModel: model } = this.#parser;
    const reason = finishReason === "" ? undefined : finishReason;
    if (reason === undefined && model === undefined) return undefined;
    return { reason, isUsual: isUsual(finishReason), model };
  }

  async return(): Promise<Result> {
    this.#isClosed = true;
    // A body that broke rejects with what reading it has thrown already.
    await this.#reader.cancel().catch(() => {});
    return END;
  }

  #read(): Promise<Result> {
    if (this.#parser.awaitsEnd) {
      this.#silence = setTimeout(this.#onSilence, SILENCE_MS);
    }
    const reading = this.#reader.read().then(this.#onPacket, this.#onBreak);
    this.#reading = reading;
    return reading;
  }

  readonly #onPacket = (
    { done, value }: ReadableStreamReadResult<Uint8Array>,
  ): Result | Promise<Result> => {
    this.#reading = undefined;
    clearTimeout(this.#silence);
    if (this.#isClosed) return END;
    const parser = this.#parser;
    if (!parser.hasEnded) {
      // The end may be that of a reader which an abort has canceled.
      if (this.#signal.aborted) return this.#abort();
      if (done) parser.end();
      else parser.feed(value);
    }
    if (parser.hasEnded) ignoreRejection(this.#reader.cancel());
    const chunk = parser.take();
    return chunk ? { done: false, value: chunk } : this.next();
  };

  readonly #onBreak = (error: unknown): Promise<Result> => {
    this.#reading = undefined;
    clearTimeout(this.#silence);
    if (this.#isClosed) return Promise.resolve(END);
    if (this.#signal.aborted) return this.#abort();
    this.#parser.break(this.#convertError(error));
    return this.next();
  };

  #abort(): Promise<never> {
    this.#isClosed = true;
    return Promise.reject(this.#signal.reason);
  }

  readonly #onSilence = (): void => {
    this.#parser.onSilence();
    // This ends the pending read.
    if (this.#parser.hasEnded) ignoreRejection(this.#reader.cancel());
  };

  #end(): Promise<Result> {
    this.#isClosed = true;
    const { failure } = this.#parser;
    return failure ? Promise.reject(failure.error) : Promise.resolve(END);
  }
}
