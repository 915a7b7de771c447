/**
 * The error for a refusal by HTTP status.
 *
 * @module
 */

import { oneLine } from "../_shared/error_text.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { parseJson } from "../_shared/safe_access.ts";
import { errorIn, readError, summaryOfBody } from "./_provider_error.ts";

/** What an {@linkcode HttpError} is made of besides the status. */
export interface HttpErrorOptions {
  /** The reason phrase, for the message where the body says nothing. */
  readonly statusText?: string | undefined;
  /** The headers of the response. */
  readonly headers?: RequestInit["headers"] | undefined;
  /** The body of the response, as text. */
  readonly body?: string | undefined;
}

/**
 * A server refused the request: it answered with a status other than 2xx.
 *
 * The message is the status and what the server says about it, on one line:
 * `429 Rate limit reached for requests`.
 *
 * @example Its properties
 * ```ts
 * import { HttpError } from "@fallback/stream/openai";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new HttpError(429, {
 *   headers: { "retry-after": "20" },
 *   body: '{"error":{"message":"Rate limit reached","code":"rate_limit"}}',
 * });
 *
 * assertEquals(error.message, "429 Rate limit reached");
 * assertEquals(error.status, 429);
 * assertEquals(error.code, "rate_limit");
 * assertEquals(error.retryAfterMs, 20_000);
 * ```
 */
export class HttpError extends Error {
  /** The status, for instance `429`. */
  readonly status: number;
  /** The headers of the response. */
  readonly headers: Headers;
  /**
   * The body of the response, as text. Of a model's server it is what came of
   * the first 64 KiB within 1000 ms.
   */
  readonly body: string;
  /** The `type` of the error object in the body. */
  readonly type?: string | undefined;
  /** The `code` of the error object in the body. */
  readonly code?: string | number | undefined;
  /**
   * How long the server asks its clients to wait, in milliseconds: from
   * `retry-after-ms`, `retry-after` in seconds or as a date, or the `RetryInfo`
   * that Gemini puts into the body; of a 429 also from the headers that say when
   * a limit will be reset.
   */
  readonly retryAfterMs?: number | undefined;

  /**
   * Constructs the error.
   *
   * @param status The status.
   * @param options The rest of the response.
   *
   * @throws {TypeError} If `headers` are not what headers can be.
   */
  constructor(status: number, options: HttpErrorOptions = {}) {
    const { statusText = "", headers, body = "" } = options;
    super(`${status} ${summaryOfBody(body) || oneLine(statusText)}`.trimEnd());
    this.name = "HttpError";
    this.status = status;
    this.headers = new Headers(headers);
    this.body = body;
    const answer = parseJson(body);
    const { type, code } = readError(errorIn(answer) ?? answer);
    this.type = type;
    this.code = code;
    this.retryAfterMs = retryAfterOf({
      status,
      headers: this.headers,
      body: answer,
    });
  }
}
