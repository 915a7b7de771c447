/**
 * Scripts of a fake provider, as data.
 *
 * @module
 */

import type { Script } from "./script.ts";

export const EVENT_STREAM = "text/event-stream";

/**
 * What a {@linkcode fakeProvider} does in answer to one request, in order:
 *
 * - a string is sent as a chunk with that text,
 * - any other object is sent as that JSON event: a chunk, {@linkcode finish},
 *   {@linkcode errorEvent},
 * - bytes, such as those of {@linkcode raw}, are sent as they are,
 * - {@linkcode packet} sends several of these at once; else each is a packet
 *   of its own,
 * - {@linkcode status} answers with another status, headers and body,
 * - `wait()` and `hang()` delay the headers or the rest of the body,
 * - `fail()` closes the connection, before any header or in mid-body,
 * - `truncate()` ends the body there and then,
 * - `end()`, like the end of the script, sends the end of a complete answer:
 *   a `finish_reason`, unless there was one, and `[DONE]`; but nothing if the
 *   `status()` says that the body is no event stream.
 *
 * The headers go out at `open()` or `status()`, or else before the first packet.
 */
export type WireScript = Script<string | object>;

/** Answers with a status; made by {@linkcode status}. */
export class StatusStep {
  /** The status. */
  readonly code: number;
  /** The headers, always with a content type. */
  readonly headers: Headers;
  /** The body, or its beginning. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;

  /**
   * Makes the step; {@linkcode status} is shorter.
   *
   * @param code The status.
   * @param options Headers and body.
   */
  constructor(code: number, options: StatusOptions = {}) {
    const { headers, body } = options;
    const isText = typeof body === "string";
    this.code = code;
    this.headers = new Headers(headers);
    this.body = body === undefined
      ? undefined
      : new TextEncoder().encode(isText ? body : JSON.stringify(body));
    if (this.headers.has("content-type")) return;
    const type = isText
      ? "text/plain;charset=utf-8"
      : body || code >= 300
      ? "application/json"
      : EVENT_STREAM;
    this.headers.set("content-type", type);
  }
}

/** Sends several things at once; made by {@linkcode packet}. */
export class PacketStep {
  /** The data to send. */
  readonly parts: readonly (string | object)[];

  /**
   * Makes the step; {@linkcode packet} is shorter.
   *
   * @param parts The data to send.
   */
  constructor(parts: readonly (string | object)[]) {
    this.parts = parts;
  }
}

/** The headers and body that {@linkcode status} sends. */
export interface StatusOptions {
  /**
   * The headers. Without a `content-type` that is JSON for an object, plain
   * text for a string, and where there is no body an event stream for a 200 and
   * JSON for an error.
   */
  readonly headers?: RequestInit["headers"] | undefined;
  /** The body, or its beginning: the script may go on with it. */
  readonly body?: string | object | undefined;
}
