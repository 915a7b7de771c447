// A source: whatever a model returned, as something to pull and to close. It
// alone knows how the stream ended.

import { describeValue } from "../_shared/error_text.ts";
import { getProperty } from "../_shared/safe_access.ts";
import type { Failure } from "./failure.ts";
import {
  type FinishNote,
  finishNote,
  type NotedSource,
} from "./finish_note.ts";
import { type ReadySource, takeReady } from "./ready.ts";

/** Receives what a source delivers, one call for each pull. */
export interface SourceConsumer<Chunk> {
  /** A chunk, or the end of the stream. */
  onResult(result: IteratorResult<Chunk>): void;
  /** The stream broke. */
  onError(error: unknown): void;
}

type Pull<Chunk> = () => Promise<IteratorResult<Chunk>>;

function isObject(value: unknown): boolean {
  return typeof value === "object"
    ? value !== null
    : typeof value === "function";
}

/** Whether an object can be disposed of. A proxy that refuses to say so may be. */
function hasDisposer(value: object): boolean {
  try {
    return Symbol.asyncDispose in value || Symbol.dispose in value;
  } catch {
    return true;
  }
}

/** A model's stream, read with its reader if it has one, else by its iterator. */
export class Source<Chunk> {
  /** Receives the results of the pulls from now on. */
  consumer!: SourceConsumer<Chunk>;
  readonly #given: unknown;
  /** How the stream ended, if it has ended by itself. */
  #ended: false | "done" | "error" = false;
  #reader: ReadableStreamDefaultReader<Chunk> | undefined;
  #iterator:
    | (AsyncIterator<Chunk> & ReadySource<Chunk> & NotedSource)
    | undefined;
  #next: Pull<Chunk> | undefined;
  /** What releasing the reader's lock threw. */
  #releaseFailure: Failure | undefined;

  constructor(given: unknown) {
    this.#given = given;
  }

  /** How the stream ended, if it has ended by itself. */
  get ended(): false | "done" | "error" {
    return this.#ended;
  }

  /**
   * Makes the source ready to be pulled. This reads nothing yet.
   *
   * @throws {TypeError} If the value is not a stream.
   */
  start(model: string): void {
    const given = this.#given as
      | AsyncIterable<Chunk>
        & ReadableStream<Chunk>
      | undefined;
    if (typeof given?.getReader === "function") {
      this.#reader = given.getReader();
      this.#next = this.#reader.read as Pull<Chunk>;
    } else if (typeof given?.[Symbol.asyncIterator] === "function") {
      this.#iterator = given[Symbol.asyncIterator]();
      this.#next = this.#iterator.next;
    } else {
      throw new TypeError(
        `Model ${
          JSON.stringify(model)
        } must return an async iterable or a ReadableStream from stream(): it returned ${
          describeValue(given)
        }`,
      );
    }
  }

  /** Pulls one chunk. The consumer receives the result, or the error. */
  pull(run?: (pull: Pull<Chunk>) => Promise<IteratorResult<Chunk>>): void {
    const pulling = run ? run(() => this.#pull()) : this.#pull();
    pulling.then(this.#onResult, this.#onError);
  }

  #pull(): Promise<IteratorResult<Chunk>> {
    try {
      return Promise.resolve(this.#next!.call(this.#reader ?? this.#iterator));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  readonly #onResult = (result: IteratorResult<Chunk>): void => {
    try {
      if (!isObject(result)) {
        throw new TypeError(
          `next() of the stream must return an object: it returned ${
            describeValue(result)
          }`,
        );
      }
      if (result.done) this.#end("done");
    } catch (error) {
      return this.#onError(error);
    }
    this.consumer.onResult(result);
  };

  readonly #onError = (error: unknown): void => {
    this.#end("error");
    this.consumer.onError(error);
  };

  #end(how: "done" | "error"): void {
    this.#ended = how;
    // Here it is cheap: under awaiting functions it costs their stack traces.
    try {
      this.#reader?.releaseLock();
    } catch (error) {
      this.#releaseFailure = { error };
    }
  }

  /** Whether nothing is left to close. */
  get isClosed(): boolean {
    return this.#ended !== false && !this.#releaseFailure &&
      (this.#given === this.#iterator || !hasDisposer(this.#given as object));
  }

  /** The next chunk if it has already arrived. */
  takeReady(): IteratorYieldResult<Chunk> | undefined {
    const iterator = this.#iterator;
    return this.#ended === false && iterator?.[takeReady]
      ? iterator[takeReady]()
      : undefined;
  }

  /** Why the model has stopped, if the iterator knows. */
  get finishNote(): FinishNote | undefined {
    const note = getProperty(this.#iterator, finishNote);
    return note as FinishNote | undefined;
  }

  /**
   * The steps of closing: first stop the stream, then dispose of it. Even to
   * look at a foreign object may throw, so that is part of the steps.
   */
  closeSteps(reason: unknown): (() => unknown)[] {
    const steps: (() => unknown)[] = [];
    const reader = this.#reader;
    const iterator = this.#iterator;
    const failure = this.#releaseFailure;
    if (failure) {
      steps.push(() => {
        throw failure.error;
      });
    } else if (reader && !this.#ended) {
      steps.push(async () => {
        try {
          await reader.cancel(reason);
        } finally {
          reader.releaseLock();
        }
      });
    } else if (iterator && !this.#ended) {
      steps.push(() => iterator.return?.());
    }
    const given = this.#given as Partial<AsyncDisposable & Disposable> | null;
    if (given !== iterator) {
      steps.push(() => {
        const disposer = given?.[Symbol.asyncDispose] ??
          given?.[Symbol.dispose];
        return disposer?.call(given);
      });
    }
    return steps;
  }
}
