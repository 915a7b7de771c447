/**
 * An answer as a response of the chat-completions protocol.
 *
 * @module
 */

import {
  assertAsyncIterable,
  assertBoolean,
  assertOptions,
  type OptionNames,
  parseDelay,
} from "../_shared/arguments.ts";
import { parseHeaders } from "../_shared/headers.ts";
import { ignoreErrors } from "../_shared/ignore_errors.ts";
import type { ChatChunk } from "../openai/mod.ts";
import {
  ChatBody,
  type ChatBodyOptions,
  type ChunkIterator,
} from "./_chat_body.ts";
import { toInterruption } from "./_failure.ts";
import { collectChat } from "./collect_chat.ts";

/** Options of {@linkcode chatResponse}. */
export interface ChatResponseOptions {
  /**
   * Whether the chunks are sent as events as they come, as the request's
   * `stream` says. Otherwise they are folded into one `chat.completion`.
   *
   * @default {true}
   */
  readonly stream?: boolean | undefined;
  /**
   * Whether usage is sent in a stream, as the request's
   * `stream_options.include_usage` says.
   *
   * @default {false}
   */
  readonly includeUsage?: boolean | undefined;
  /**
   * After how long without a chunk a comment is sent, in milliseconds; 0 for
   * never. Only for a stream.
   *
   * @default {15_000}
   */
  readonly heartbeatMs?: number | undefined;
  /** Further headers. They win over the default ones. */
  readonly headers?: RequestInit["headers"] | undefined;
}

const OPTION_NAMES: OptionNames<ChatResponseOptions> = {
  stream: true,
  includeUsage: true,
  heartbeatMs: true,
  headers: true,
};

const EVENT_STREAM = {
  "content-type": "text/event-stream",
  // A proxy that compresses or buffers would hold the text back.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/**
 * Makes the response that a client of the chat-completions protocol expects: an
 * event per chunk and then `[DONE]`, or one whole answer.
 *
 * If the stream fails, its last event is `{ "error": { message, type, code } }`
 * without `[DONE]`; the message says nothing of what a provider has said. Chunks
 * that arrived together are sent together. Nothing is read ahead, and when the
 * client leaves, the model's stream is closed.
 *
 * @param stream The answer. The response owns it from now on.
 * @param options How it is sent.
 * @returns The response, with status 200: a promise of it unless `stream` is
 * `true`. It rejects with what the stream throws.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { chatResponse } from "@fallback/stream/gateway";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider } from "@fallback/stream/testing";
 * import { assertMatch } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Hi"]);
 * const models = [openaiModel({ model: "fake", fetch })];
 *
 * const stream = await fallbackStream(models, { messages: [] });
 * const body = await chatResponse(stream).text();
 * assertMatch(body, /"content":"Hi".*\n\ndata: \[DONE\]\n\n$/s);
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind. The stream is closed.
 * @throws {RangeError} If `heartbeatMs` is out of range. The stream is closed.
 */
export function chatResponse(
  stream: AsyncIterable<ChatChunk>,
  options?: ChatResponseOptions & { readonly stream?: true | undefined },
): Response;
/**
 * Sends an answer as a stream, or as one whole answer, as `options.stream` says.
 *
 * @param stream The answer. The response owns it from now on.
 * @param options How it is sent.
 * @returns The response: a promise of it unless `options.stream` is `true`.
 *
 * @example A whole answer
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { chatResponse } from "@fallback/stream/gateway";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Hi"]);
 * const models = [openaiModel({ model: "fake", fetch })];
 *
 * const stream = await fallbackStream(models, { messages: [] });
 * const response = await chatResponse(stream, { stream: false });
 * const { choices } = await response.json();
 * assertEquals(choices[0].message.content, "Hi");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind. The stream is closed.
 */
export function chatResponse(
  stream: AsyncIterable<ChatChunk>,
  options: ChatResponseOptions,
): Response | Promise<Response>;
export function chatResponse(
  stream: AsyncIterable<ChatChunk>,
  options: ChatResponseOptions = {},
): Response | Promise<Response> {
  assertAsyncIterable("stream", stream);
  const iterator: ChunkIterator = stream[Symbol.asyncIterator]();
  try {
    assertOptions("options", options, OPTION_NAMES);
    const { headers, includeUsage = false, heartbeatMs = 15_000 } = options;
    parseDelay("options.heartbeatMs", heartbeatMs);
    assertBoolean("options.stream", options.stream);
    assertBoolean("options.includeUsage", includeUsage);
    if (options.stream === false) {
      return collectChat({ [Symbol.asyncIterator]: () => iterator })
        .then((answer) => wholeResponse(answer, headers));
    }
    return streamResponse(iterator, {
      includeUsage,
      heartbeatMs,
      toError: toInterruption,
    }, headers);
  } catch (error) {
    ignoreErrors(() => iterator.return?.());
    throw error;
  }
}

/** A whole answer as a response. */
export function wholeResponse(
  answer: object,
  headers: RequestInit["headers"] | undefined,
): Response {
  return Response.json(answer, {
    headers: withDefaults({ "cache-control": "no-store" }, headers),
  });
}

/** A response whose body is written as the chunks come. */
export function streamResponse(
  source: ChunkIterator | Promise<ChunkIterator>,
  options: ChatBodyOptions,
  headers: RequestInit["headers"] | undefined,
): Response {
  // Checked first: the body starts a timer for its heartbeats.
  const allHeaders = withDefaults(EVENT_STREAM, headers);
  const body = new ReadableStream(new ChatBody(source, options), {
    highWaterMark: 0,
  });
  return new Response(body, { headers: allHeaders });
}

function withDefaults(
  defaults: Record<string, string>,
  own: RequestInit["headers"] | undefined,
): Headers {
  const headers = new Headers(defaults);
  parseHeaders(own).forEach((value, name) => headers.set(name, value));
  return headers;
}
