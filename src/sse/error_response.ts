/**
 * A response for a call that failed before there was an answer.
 *
 * @module
 */

import {
  assertOptions,
  assertSignal,
  MAX_TIMEOUT_MS,
  type OptionNames,
} from "../_shared/arguments.ts";
import { parseHeaders } from "../_shared/headers.ts";
import { nestedErrors } from "../_shared/http_status.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { getProperty, isInstance } from "../_shared/safe_access.ts";
import { attemptsOf } from "../attempts_of.ts";
import { ModelTimeoutError } from "../errors.ts";
import { publicMessage } from "./_public_message.ts";
import { summarizeAttempts } from "./summarize_attempts.ts";

/** Options of {@linkcode errorResponse}. */
export interface ErrorResponseOptions {
  /** Additional headers, for instance for CORS. They override the defaults. */
  readonly headers?: RequestInit["headers"] | undefined;
  /**
   * The signal of the call. If it has aborted and the error is its reason, the
   * client has left: the status is 499.
   */
  readonly signal?: AbortSignal | undefined;
}

const OPTION_NAMES: OptionNames<ErrorResponseOptions> = {
  headers: true,
  signal: true,
};

/**
 * Returns the response for an error that `fallbackStream` has thrown:
 *
 * - 499 if `options.signal` has aborted with this error as its reason
 * - 500 if the error does not come from a call: a mistake of the program
 * - 503 with `Retry-After` if an error has a time to retry
 * - 504 if every model timed out
 * - 502 otherwise
 *
 * The body is JSON, `{ "error": { "message", "attempts" } }`. It never includes
 * text of a provider. Log the error itself: `console.error(error)`.
 *
 * @param error The error that was caught.
 * @param options Headers, and the signal of the call.
 * @returns The response.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { errorResponse, sseResponse } from "@fallback/stream/sse";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const busy = Object.assign(new Error("key sk-1 is over its limit"), {
 *   status: 429,
 *   headers: { "retry-after": "20" },
 * });
 * const models = [fakeModel("a", [step.fail(busy)])];
 *
 * async function handler({ signal }: Request): Promise<Response> {
 *   try {
 *     return sseResponse(await fallbackStream(models, "hi", { signal }));
 *   } catch (error) {
 *     return errorResponse(error, { signal });
 *   }
 * }
 * const response = await handler(new Request("http://localhost"));
 * assertEquals(response.status, 503);
 * assertEquals(response.headers.get("retry-after"), "20");
 * ```
 *
 * @throws {TypeError} If an option is of the wrong kind, or unknown.
 */
export function errorResponse(
  error: unknown,
  options: ErrorResponseOptions = {},
): Response {
  assertOptions("options", options, OPTION_NAMES);
  const { signal } = options;
  assertSignal(signal);
  const attempts = attemptsOf(error);
  const retryAfterMs = retryAfterOf(error);
  // A longer wait than any timer can have is no wait that a client can use.
  const retryAfter = retryAfterMs !== undefined &&
      retryAfterMs <= MAX_TIMEOUT_MS
    ? `${Math.ceil(retryAfterMs / 1000)}`
    : undefined;
  const isAborted = signal?.aborted && getProperty(signal, "reason") === error;
  const status = isAborted
    ? 499
    : attempts.length === 0
    ? 500
    : retryAfter !== undefined
    ? 503
    : isTimeout(error)
    ? 504
    : 502;
  const message = isAborted
    ? "The client has closed the request"
    : status === 500
    ? "Internal error"
    : publicMessage(error);
  const headers = parseHeaders(options.headers);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (status === 503 && !headers.has("retry-after")) {
    headers.set("retry-after", retryAfter!);
  }
  const body = { error: { message, attempts: summarizeAttempts(attempts) } };
  return Response.json(body, { status, headers });
}

/** Whether every model timed out, those of nested chains too. */
function isTimeout(error: unknown, depth = 0): boolean {
  const nested = depth > 10 ? undefined : nestedErrors(error);
  return nested
    ? nested.every((each) => isTimeout(each, depth + 1))
    : isInstance(error, ModelTimeoutError);
}
