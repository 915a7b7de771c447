/**
 * An answer as server-sent events.
 *
 * @module
 */

import {
  assertArgument,
  assertFunction,
  assertObject,
  parseDelay,
} from "../_shared/arguments.ts";
import { ignoreErrors } from "../_shared/ignore_errors.ts";
import { attemptsOf } from "../attempts_of.ts";
import type { Attempt } from "../types/attempt.ts";
import { publicMessage } from "./_public_message.ts";
import { summarizeAttempts } from "./summarize_attempts.ts";

/**
 * What can be sent: a stream of `fallbackStream`, or anything that can be
 * iterated.
 *
 * @typeParam Chunk One piece of an answer.
 */
export interface SseSource<Chunk> extends AsyncIterable<Chunk> {
  /** What was tried, for the last event. */
  readonly attempts?: readonly Attempt[];
}

/** How a response came to its end. */
export interface SseEnd {
  /** Whether the answer was complete, broke off, or nobody wanted more of it. */
  readonly outcome: "completed" | "interrupted" | "cancelled";
  /** Why it broke off. */
  readonly error?: unknown;
}

/**
 * Options of {@linkcode sseResponse}.
 *
 * @typeParam Chunk One piece of an answer.
 */
export interface SseOptions<Chunk> {
  /**
   * Makes the data of an event. Line ends in it are allowed. What it throws
   * cuts the answer off.
   *
   * @default {JSON.stringify}
   */
  readonly encode?: ((chunk: Chunk) => string) | undefined;
  /**
   * Names the event of a chunk, on one line. Without a name it is a `message`;
   * `done` and `error` are the names of the last one. What it throws cuts the
   * answer off.
   */
  readonly event?: ((chunk: Chunk) => string | undefined) | undefined;
  /**
   * After how long without a chunk a comment is sent, in milliseconds, so that
   * nobody in between takes the connection for dead; with 0, none is.
   *
   * @default {15_000}
   */
  readonly heartbeatMs?: number | undefined;
  /** Further headers. They win over those that are sent by default. */
  readonly headers?: RequestInit["headers"] | undefined;
  /**
   * Is told once how it ended, when everything is closed. What it throws or
   * returns changes nothing.
   */
  readonly onClose?: ((end: SseEnd) => unknown) | undefined;
}

const HEADERS = {
  "content-type": "text/event-stream",
  // A proxy that compresses or collects would hold the words back.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

const HEARTBEAT = ":\n\n";

/**
 * Makes a response of server-sent events: one event a chunk, then
 * `event: done` with what was tried. If the model dies in mid-answer, it is
 * `event: error` with a message that says nothing of what the provider said.
 *
 * Nothing is read ahead: the model is read as fast as the client reads. When
 * the client goes away, the model's stream is closed.
 *
 * @typeParam Chunk One piece of an answer.
 * @param stream The answer. The response owns it from now on.
 * @param options How it is sent.
 * @returns The response, with status 200.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { sseResponse } from "@fallback/stream/sse";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const stream = await fallbackStream([fakeModel("a", ["Hel", "lo"])], "hi");
 * const body = await sseResponse(stream).text();
 * assertStringIncludes(body, 'data: "Hel"\n\ndata: "lo"\n\nevent: done\n');
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind. The stream is closed.
 * @throws {RangeError} If `heartbeatMs` is out of range. The stream is closed.
 */
export function sseResponse<Chunk>(
  stream: SseSource<Chunk>,
  options: SseOptions<Chunk> = {},
): Response {
  assertArgument(
    typeof stream?.[Symbol.asyncIterator] === "function",
    "stream",
    "be async iterable",
    stream,
  );
  const iterator = stream[Symbol.asyncIterator]();
  try {
    assertObject("options", options);
    assertFunction("options.encode", options.encode);
    assertFunction("options.event", options.event);
    assertFunction("options.onClose", options.onClose);
    const { heartbeatMs = 15_000 } = options;
    parseDelay("options.heartbeatMs", heartbeatMs);
    const headers = new Headers(HEADERS);
    new Headers(options.headers).forEach((value, name) => {
      if (name === "set-cookie") headers.append(name, value);
      else headers.set(name, value);
    });
    const events = new SseBody(iterator, stream, options, heartbeatMs);
    return new Response(new ReadableStream(events, { highWaterMark: 0 }), {
      headers,
    });
  } catch (error) {
    ignoreErrors(() => iterator.return?.());
    throw error;
  }
}

/** Plays an answer as events. */
class SseBody<Chunk> implements UnderlyingDefaultSource<Uint8Array> {
  readonly #iterator: AsyncIterator<Chunk>;
  readonly #source: SseSource<Chunk>;
  readonly #options: SseOptions<Chunk>;
  readonly #heartbeatMs: number;
  readonly #utf8 = new TextEncoder();
  /** What was asked for and has not come yet, also over heartbeats. */
  #pending: Promise<IteratorResult<Chunk>> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isCancelled = false;
  #isTold = false;

  constructor(
    iterator: AsyncIterator<Chunk>,
    source: SseSource<Chunk>,
    options: SseOptions<Chunk>,
    heartbeatMs: number,
  ) {
    this.#iterator = iterator;
    this.#source = source;
    this.#options = options;
    this.#heartbeatMs = heartbeatMs;
  }

  async pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    const send = (text: string) => controller.enqueue(this.#utf8.encode(text));
    try {
      const result = await this.#next();
      if (this.#isCancelled) return;
      if (!result) return send(HEARTBEAT);
      if (!result.done) return send(this.#event(result.value));
      const attempts = summarizeAttempts(this.#source.attempts ?? []);
      send(event(JSON.stringify({ attempts }), "done"));
      this.#tell({ outcome: "completed" });
    } catch (error) {
      if (this.#isCancelled) return;
      await this.#return();
      const attempts = summarizeAttempts(
        this.#source.attempts ?? attemptsOf(error),
      );
      const message = publicMessage(error);
      send(event(JSON.stringify({ message, attempts }), "error"));
      this.#tell({ outcome: "interrupted", error });
    }
    controller.close();
  }

  /** The client has gone. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    clearTimeout(this.#timer);
    await this.#return();
    this.#tell({ outcome: "cancelled" });
  }

  /** The next chunk, or nothing when it is time for a heartbeat. */
  async #next(): Promise<IteratorResult<Chunk> | undefined> {
    this.#pending ??= this.#iterator.next();
    const beat = new Promise<undefined>((resolve) => {
      if (this.#heartbeatMs === 0) return;
      this.#timer = setTimeout(resolve, this.#heartbeatMs, undefined);
    });
    try {
      const result = await Promise.race([this.#pending, beat]);
      if (result) this.#pending = undefined;
      return result;
    } finally {
      clearTimeout(this.#timer);
    }
  }

  #event(chunk: Chunk): string {
    const { encode } = this.#options;
    const type = this.#options.event?.(chunk);
    assertArgument(
      type === undefined || /^[^\r\n]+$/.test(type),
      "options.event",
      "give one line",
      type,
    );
    return event(
      encode ? encode.call(this.#options, chunk) : JSON.stringify(chunk),
      type,
    );
  }

  async #return(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // What closing throws is in the attempt's record.
    }
  }

  #tell(end: SseEnd): void {
    if (this.#isTold) return;
    this.#isTold = true;
    ignoreErrors(() => this.#options.onClose?.(end));
  }
}

/** One event; what it says may have several lines. */
function event(data: string, type?: string): string {
  // As JSON has it of a function, for one, though its type denies that.
  if (data === undefined) throw new TypeError("there is nothing to send");
  const lines = String(data).split(/\r\n|\r|\n/);
  return (type ? `event: ${type}\n` : "") +
    lines.map((line) => `data: ${line}\n`).join("") + "\n";
}
