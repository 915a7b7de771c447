// A call in progress: the attempts from the start, then the answer.

import {
  type Attempt,
  type FallbackOptions,
  type FallbackStream,
  usageOf,
} from "@fallback/stream";
import type { ChatChunk, ChatRequest } from "@fallback/stream/openai";
import {
  type AttemptSummary,
  type SseSource,
  summarizeAttempts,
} from "@fallback/stream/sse";

/** One event of a call. */
export type CallEvent =
  /** More of the text. */
  | string
  /** The attempts so far, and the output tokens that providers reported. */
  | {
    readonly attempts: AttemptSummary[];
    readonly tokens: number | undefined;
  }
  /** More of the reasoning. */
  | { readonly reasoning: string }
  /** The model calls a tool. */
  | { readonly tool: true };

/** The name of the event as the page receives it. Text is a plain message. */
export function nameOf(event: CallEvent): string | undefined {
  if (typeof event === "string") return undefined;
  if ("reasoning" in event) return "reasoning";
  return "tool" in event ? "tool" : "attempt";
}

function eventOf(chunk: ChatChunk): CallEvent | undefined {
  const { content, refusal, reasoning, reasoning_content, tool_calls } =
    chunk.choices[0]?.delta ?? {};
  const text = content || refusal;
  if (text) return text;
  const thought = reasoning || reasoning_content;
  if (thought) return { reasoning: thought };
  return tool_calls?.length ? { tool: true } : undefined;
}

/** The options that a {@linkcode LiveCall} gives to its call. */
export type CallOptions = Required<
  Pick<FallbackOptions<ChatRequest, ChatChunk>, "signal" | "onEvent">
>;

/**
 * Merges the events of a call with its chunks. It begins with the first
 * `next()`, and is not an async generator because the `return()` of one would
 * wait for the `next()` before it, and so for a silent model.
 */
export class LiveCall implements SseSource<CallEvent> {
  readonly #begin: (options: CallOptions) => Promise<FallbackStream<ChatChunk>>;
  readonly #abort = new AbortController();
  #stream: Promise<FallbackStream<ChatChunk>> | undefined;
  /** The next event from a chunk. */
  #next: Promise<CallEvent | undefined> | undefined;
  #attempts: readonly Attempt[] = [];
  #hasChanged = false;
  #changed = Promise.withResolvers<void>();

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

  /** Must not be called again before it has resolved. */
  async next(): Promise<IteratorResult<CallEvent, undefined>> {
    this.#next ??= this.#pull();
    // The error is thrown after the event with the reason.
    this.#next.catch(() => {});
    // A new promise each time: a race keeps what it waits for.
    this.#changed = Promise.withResolvers();
    if (!this.#hasChanged) {
      await Promise.race([this.#changed.promise, this.#next.catch(() => {})]);
    }
    if (this.#hasChanged) {
      this.#hasChanged = false;
      const attempts = summarizeAttempts(this.#attempts);
      const tokens = usageOf(this.#attempts).outputTokens;
      return { done: false, value: { attempts, tokens } };
    }
    const value = await this.#next;
    this.#next = undefined;
    return value === undefined
      ? { done: true, value: undefined }
      : { done: false, value };
  }

  /** Ends the call at once, wherever it is. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#abort.abort();
    // An error of the call has already been thrown by next().
    const stream = await this.#stream?.catch(() => undefined);
    await stream?.return();
    return { done: true, value: undefined };
  }

  async #pull(): Promise<CallEvent | undefined> {
    this.#stream ??= this.#begin({
      signal: this.#abort.signal,
      onEvent: ({ type, attempts }) => {
        this.#attempts = attempts;
        // Neither changes the summary.
        if (type === "opened" || type === "closed") return;
        this.#hasChanged = true;
        this.#changed.resolve();
      },
    });
    const stream = await this.#stream;
    for (;;) {
      const { value, done } = await stream.next();
      if (done) return undefined;
      const event = eventOf(value);
      if (event !== undefined) return event;
    }
  }
}
