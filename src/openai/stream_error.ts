/**
 * The error for what comes in place of a proper stream.
 *
 * @module
 */

import { readError } from "./_provider_error.ts";

/**
 * A server accepted the request with 200 and then sent an error object,
 * something that is no stream of chat completions, or an event of more than
 * 1,048,576 characters.
 *
 * @example An error in the middle of an answer
 * ```ts
 * import { StreamError } from "@fallback/stream/openai";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new StreamError("502 Provider disconnected", {
 *   code: 502,
 *   message: "Provider disconnected",
 * });
 *
 * assertEquals(error.status, 502);
 * ```
 */
export class StreamError extends Error {
  /** The `type` of the error object, for instance `"overloaded_error"`. */
  readonly type?: string | undefined;
  /** The `code` of the error object. */
  readonly code?: string | number | undefined;
  /** The HTTP status that the error object names, as a number from 400 to 599. */
  readonly status?: number | undefined;
  /** The error object as it was sent; none if what came was no such thing. */
  readonly error?: unknown;

  /**
   * Makes the error.
   *
   * @param message What went wrong.
   * @param error The error object that was sent, if one was.
   */
  constructor(message: string, error?: unknown) {
    super(message);
    this.name = "StreamError";
    const { type, code, status } = readError(error);
    this.type = type;
    this.code = code;
    this.status = status;
    this.error = error;
  }
}
