/**
 * An answer as server-sent events.
 *
 * @module
 */

import {
  assertAsyncIterable,
  assertFunction,
  assertOptions,
  type OptionNames,
  parseDelay,
} from "../_shared/arguments.ts";
import { parseHeaders } from "../_shared/headers.ts";
import { ignoreErrors } from "../_shared/ignore_errors.ts";
import type { Attempt } from "../types/attempt.ts";
import { SseBody } from "./_sse_body.ts";

/**
 * A source that can be sent: a stream of `fallbackStream`, or any async iterable.
 *
 * @typeParam Chunk The type of one chunk.
 */
export interface SseSource<Chunk> extends AsyncIterable<Chunk> {
  /** The attempts of the call, for the last event. */
  readonly attempts?: readonly Attempt[];
}

/** How a response ended. */
export interface SseEnd {
  /** Whether the stream completed, failed, or was canceled by the client. */
  readonly outcome: "completed" | "interrupted" | "cancelled";
  /** Why it failed. */
  readonly error?: unknown;
}

/**
 * Options of {@linkcode sseResponse}.
 *
 * @typeParam Chunk The type of one chunk.
 */
export interface SseOptions<Chunk> {
  /**
   * Returns the data of the event for a chunk. It may have several lines. If it
   * throws, the response ends with an `error` event.
   *
   * @default {JSON.stringify}
   */
  readonly encode?: ((chunk: Chunk) => string) | undefined;
  /**
   * Returns the name of the event for a chunk, on a single line. Without a name
   * it is a `message`. The last event is named `done` or `error`. If it throws,
   * the response ends with an `error` event.
   */
  readonly event?: ((chunk: Chunk) => string | undefined) | undefined;
  /**
   * After how many milliseconds without a chunk a comment is sent, so that
   * proxies do not drop an idle connection. 0 disables it.
   *
   * @default {15_000}
   */
  readonly heartbeatMs?: number | undefined;
  /** Additional headers. They override the defaults. */
  readonly headers?: RequestInit["headers"] | undefined;
  /**
   * Called once when everything is closed. Its errors and its result are
   * ignored.
   */
  readonly onClose?: ((end: SseEnd) => unknown) | undefined;
}

const OPTION_NAMES: OptionNames<SseOptions<never>> = {
  encode: true,
  event: true,
  heartbeatMs: true,
  headers: true,
  onClose: true,
};

const HEADERS = {
  "content-type": "text/event-stream",
  // A proxy that compresses or buffers would delay the chunks.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/**
 * Returns a response of server-sent events: one event per chunk, then
 * `event: done` with `{ "attempts" }`. If the model fails after its first
 * content, the last event is `event: error` with `{ "error": { "message",
 * "attempts" } }`, the same shape as the body of {@linkcode errorResponse}.
 *
 * Nothing is read ahead: the model is read as fast as the client reads. Chunks
 * that arrived in one network packet leave in one write. When the client
 * disconnects, the model's stream is closed.
 *
 * A browser's `EventSource` reconnects after every end, which would run the call
 * again: close it on `done` and on `error`.
 *
 * @typeParam Chunk The type of one chunk.
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
 * @throws {TypeError} If an argument is of the wrong kind, or an option is
 * unknown. The stream is closed.
 * @throws {RangeError} If `heartbeatMs` is out of range. The stream is closed.
 */
export function sseResponse<Chunk>(
  stream: SseSource<Chunk>,
  options: SseOptions<Chunk> = {},
): Response {
  assertAsyncIterable("stream", stream);
  const iterator = stream[Symbol.asyncIterator]();
  try {
    assertOptions("options", options, OPTION_NAMES);
    assertFunction("options.encode", options.encode);
    assertFunction("options.event", options.event);
    assertFunction("options.onClose", options.onClose);
    const { heartbeatMs = 15_000 } = options;
    parseDelay("options.heartbeatMs", heartbeatMs);
    const headers = new Headers(HEADERS);
    parseHeaders(options.headers).forEach((value, name) => {
      if (name === "set-cookie") headers.append(name, value);
      else headers.set(name, value);
    });
    const body = new SseBody(iterator, stream, options, heartbeatMs);
    return new Response(new ReadableStream(body, { highWaterMark: 0 }), {
      headers,
    });
  } catch (error) {
    ignoreErrors(() => iterator.return?.());
    throw error;
  }
}
