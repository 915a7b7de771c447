// A call as it happens: what is being tried, from the first moment on, and then
// the words.

import type {
  Attempt,
  FallbackOptions,
  FallbackStream,
} from "@fallback/stream";
import type { ChatChunk, ChatRequest } from "@fallback/stream/openai";
import {
  type AttemptSummary,
  type SseSource,
  summarizeAttempts,
} from "@fallback/stream/sse";

/** More of the text, or what was tried so far. */
export type CallEvent = string | { readonly attempts: AttemptSummary[] };

/** What a call must listen to, and whom it must tell. */
export type CallOptions = Required<
  Pick<FallbackOptions<ChatRequest, ChatChunk>, "signal" | "onEvent">
>;

/**
 * Merges the events of a call with its chunks. It begins with the first
 * `next()`, and is not an async generator because the `return()` of one would
 * wait for the `next()` before it, and so for a model that says nothing.
 */
export class LiveCall implements SseSource<CallEvent> {
  readonly #begin: (options: CallOptions) => Promise<FallbackStream<ChatChunk>>;
  readonly #abort = new AbortController();
  #stream: Promise<FallbackStream<ChatChunk>> | undefined;
  /** The next text, over all events that come before it. */
  #text: Promise<string | undefined> | undefined;
  #attempts: readonly Attempt[] = [];
  #hasNews = false;
  #news = Promise.withResolvers<void>();

  constructor(
    begin: (options: CallOptions) => Promise<FallbackStream<ChatChunk>>,
  ) {
    this.#begin = begin;
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  [Symbol.asyncIterator](): AsyncIterator<CallEvent, undefined> {
    return this;
  }

  /** Is called again when it has answered, not before. */
  async next(): Promise<IteratorResult<CallEvent, undefined>> {
    this.#text ??= this.#pull();
    this.#text.catch(() => {}); // It is thrown after the news that say why.
    // A new promise each time: a race keeps what it waits for.
    this.#news = Promise.withResolvers();
    if (!this.#hasNews) {
      await Promise.race([this.#news.promise, this.#text.catch(() => {})]);
    }
    if (this.#hasNews) {
      this.#hasNews = false;
      const attempts = summarizeAttempts(this.#attempts);
      return { done: false, value: { attempts } };
    }
    const text = await this.#text;
    this.#text = undefined;
    return text === undefined
      ? { done: true, value: undefined }
      : { done: false, value: text };
  }

  /** Ends the call at once, wherever it is. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#abort.abort();
    // Why there is none is known, and was thrown to whoever waited for it.
    const stream = await this.#stream?.catch(() => undefined);
    await stream?.return();
    return { done: true, value: undefined };
  }

  async #pull(): Promise<string | undefined> {
    this.#stream ??= this.#begin({
      signal: this.#abort.signal,
      onEvent: ({ type, attempts }) => {
        this.#attempts = attempts;
        // Neither changes what a summary says.
        if (type === "opened" || type === "closed") return;
        this.#hasNews = true;
        this.#news.resolve();
      },
    });
    const stream = await this.#stream;
    for (;;) {
      const { value, done } = await stream.next();
      if (done) return undefined;
      const { content, refusal } = value.choices[0]?.delta ?? {};
      if (content || refusal) return content || refusal || undefined;
    }
  }
}
