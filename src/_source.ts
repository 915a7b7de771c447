// A source: whatever a model gave, made into something to pull and to close.

import { expect } from "./_arguments.ts";
import type { StreamSource } from "./types.ts";

/** A model's stream, read by its reader where it has one, else by its iterator. */
export class Source<Chunk> {
  /** It has ended, or thrown by itself: there is nothing left to stop. */
  exhausted = false;
  readonly #given: unknown;
  #reader: ReadableStreamDefaultReader<Chunk> | undefined;
  #iterator: AsyncIterator<Chunk> | undefined;
  #next!: () => Promise<IteratorResult<Chunk>>;

  constructor(given: StreamSource<Chunk>) {
    this.#given = given;
  }

  /**
   * Makes it ready to be pulled, which by itself reads nothing.
   *
   * @throws {TypeError} If it is nothing that can be read.
   */
  start(): void {
    const given: AsyncIterable<Chunk> & ReadableStream<Chunk> = Object(
      this.#given,
    );
    if (typeof given.getReader === "function") {
      this.#reader = given.getReader();
      this.#next = this.#reader.read as () => Promise<IteratorResult<Chunk>>;
    } else {
      expect(
        typeof given[Symbol.asyncIterator] === "function",
        "stream()",
        "give an async iterable or a ReadableStream",
        `of type ${typeof this.#given}`,
      );
      this.#iterator = given[Symbol.asyncIterator]();
      this.#next = this.#iterator.next;
    }
  }

  /** Asks for the next chunk; whatever goes wrong is a rejection. */
  pull(): Promise<IteratorResult<Chunk>> {
    try {
      return Promise.resolve(this.#next.call(this.#reader ?? this.#iterator));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What closing it takes, in order: to stop it, then to dispose of it. Even to look at a
   * foreign object may throw, so that is left to the steps.
   */
  closing(reason: unknown): (() => unknown)[] {
    const steps: (() => unknown)[] = [];
    const reader = this.#reader;
    const iterator = this.#iterator;
    if (reader && this.exhausted) {
      steps.push(() => reader.releaseLock());
    } else if (reader) {
      steps.push(async () => {
        try {
          await reader.cancel(reason);
        } finally {
          reader.releaseLock();
        }
      });
    } else if (iterator && !this.exhausted) {
      steps.push(() => iterator.return?.());
    }
    const given: Partial<AsyncDisposable & Disposable> = Object(this.#given);
    if (given !== iterator) {
      steps.push(() => {
        const disposer = given[Symbol.asyncDispose] ?? given[Symbol.dispose];
        return disposer?.call(given);
      });
    }
    return steps;
  }
}
