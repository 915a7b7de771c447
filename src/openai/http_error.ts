/**
 * The error for a refusal by HTTP status.
 *
 * @module
 */

import { oneLine } from "../_shared/error_text.ts";
import { errorIn, parseJson, readError } from "./_provider_error.ts";
import { parseRetryAfter } from "../_shared/retry_after.ts";

/** What an {@linkcode HttpError} is made of besides the status. */
export interface HttpErrorOptions {
  /** The reason phrase, for the message where the body says nothing. */
  readonly statusText?: string | undefined;
  /** The headers of the answer. */
  readonly headers?: RequestInit["headers"] | undefined;
  /** The body of the answer, as text. */
  readonly body?: string | undefined;
}

/**
 * A server refused the request: it answered with a status other than 2xx.
 *
 * The message is the status and what the server says about it, on one line:
 * `429 Rate limit reached for requests`.
 *
 * @example What it tells
 * ```ts
 * import { HttpError } from "@fallback/stream/openai";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new HttpError(429, {
 *   headers: { "retry-after": "20" },
 *   body: '{"error":{"message":"Rate limit reached"}}',
 * });
 *
 * assertEquals(error.message, "429 Rate limit reached");
 * assertEquals(error.status, 429);
 * assertEquals(error.retryAfterMs, 20_000);
 * ```
 */
export class HttpError extends Error {
  /** The status, for instance `429`. */
  readonly status: number;
  /** The headers of the answer. */
  readonly headers: Headers;
  /**
   * The body of the answer, as text. Of a model's server it is what came of the
   * first 64 KiB within 1000 ms.
   */
  readonly body: string;
  /**
   * How long the server asks to be left alone, in milliseconds: from
   * `retry-after-ms`, or `retry-after` in seconds or as a date.
   */
  readonly retryAfterMs?: number | undefined;

  /**
   * Makes the error.
   *
   * @param status The status.
   * @param options The rest of the answer.
   *
   * @throws {TypeError} If `headers` are not what headers can be.
   */
  constructor(status: number, options: HttpErrorOptions = {}) {
    const { statusText = "", headers, body = "" } = options;
    super(`${status} ${summaryOf(body) || oneLine(statusText)}`.trimEnd());
    this.name = "HttpError";
    this.status = status;
    this.headers = new Headers(headers);
    this.body = body;
    this.retryAfterMs = parseRetryAfter(this.headers);
  }
}

/** What a body says in one line: nothing where it is a page for a browser. */
function summaryOf(body: string): string {
  const answer = parseJson(body);
  if (answer !== undefined) return readError(errorIn(answer) ?? answer).summary;
  return /^\s*[<{[]/.test(body) ? "" : oneLine(body);
}
