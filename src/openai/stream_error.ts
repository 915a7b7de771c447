/**
 * The error for what comes in place of a proper stream.
 *
 * @module
 */

import { readError } from "./_provider_error.ts";

/** What is known about a failure besides the error object. */
export interface StreamErrorOptions {
  /** The HTTP status that the failure amounts to. */
  readonly status?: number | undefined;
  /** What kind of failure it is. */
  readonly code?: string | number | undefined;
}

/**
 * A server accepted the request with 200 and then failed: it sent an error
 * object, ended its answer with a `finish_reason` that means failure, sent
 * something that is no chat completion, or an event longer than
 * `maxEventBytes`.
 *
 * An answer that a filter withheld, without any content, has the `code`
 * `"content_filter"` and the `status` 400.
 *
 * @example An error in the middle of an answer
 * ```ts
 * import { StreamError } from "@fallback/stream/openai";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new StreamError("overloaded", { type: "overloaded_error" });
 *
 * assertEquals(error.status, 529);
 * ```
 */
export class StreamError extends Error {
  /** The `type` of the error object, for instance `"overloaded_error"`. */
  readonly type?: string | undefined;
  /** The `code` of the error object. */
  readonly code?: string | number | undefined;
  /**
   * The HTTP status that the failure amounts to: a number from 400 to 599 in the
   * error object, or the usual status for its `code` or `type`.
   */
  readonly status?: number | undefined;
  /** The error object as it was sent; `undefined` if there was none. */
  readonly error?: unknown;

  /**
   * Constructs the error.
   *
   * @param message What went wrong.
   * @param error The error object that was sent, if one was.
   * @param options What is known besides.
   */
  constructor(
    message: string,
    error?: unknown,
    options: StreamErrorOptions = {},
  ) {
    super(message);
    this.name = "StreamError";
    const { type, code, status } = readError(error);
    this.type = type;
    this.code = options.code ?? code;
    this.status = options.status ?? status;
    this.error = error;
  }
}
