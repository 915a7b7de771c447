/**
 * The error for an `error` part of an AI SDK stream.
 *
 * @module
 */

import { oneLine } from "../_shared/error_text.ts";
import { isErrorStatus, statusOf } from "../_shared/http_status.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { getProperty, isInstance, parseJson } from "../_shared/safe_access.ts";
import { readError } from "../openai/_provider_error.ts";

/** What is known about an error inside a stream. */
export interface StreamPartErrorOptions extends ErrorOptions {
  /** The HTTP status that it amounts to. */
  readonly status?: number | undefined;
  /** What kind of error it is. */
  readonly code?: string | number | undefined;
  /** How long the provider asks to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * An error inside a stream. Most providers put the error object of their server
 * into an `error` part as it is. This error has its message and status; the
 * object is its `cause`.
 *
 * @example An error in the middle of an answer
 * ```ts
 * import { fallbackStream, hasStatus } from "@fallback/stream";
 * import { aiSdkModel, StreamPartError } from "@fallback/stream/ai-sdk";
 * import { simulateReadableStream } from "ai";
 * import { MockLanguageModelV4 } from "ai/test";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const mock = new MockLanguageModelV4({
 *   doStream: () =>
 *     Promise.resolve({
 *       stream: simulateReadableStream({
 *         chunks: [{
 *           type: "error",
 *           error: { type: "overloaded_error", message: "Overloaded" },
 *         }],
 *       }),
 *     }),
 * });
 *
 * const error = await assertRejects(
 *   () =>
 *     fallbackStream([aiSdkModel(mock)], { prompt: [] }, {
 *       fallbackOn: (error) => !hasStatus(529)(error),
 *     }),
 *   StreamPartError,
 *   "Overloaded",
 * );
 * assertEquals(error.status, 529);
 * ```
 */
export class StreamPartError extends Error {
  /**
   * The HTTP status that the error object names, or the usual status for its
   * `code` or `type`.
   */
  readonly status?: number;
  /** The `code` of the error object. */
  readonly code?: string | number;
  /** How long the provider asks to wait, in milliseconds. */
  readonly retryAfterMs?: number;

  /**
   * Makes the error.
   *
   * @param message What went wrong.
   * @param options The error of the part as `cause`, and what is known of it.
   */
  constructor(message: string, options: StreamPartErrorOptions = {}) {
    const { status, code, retryAfterMs, ...rest } = options;
    super(message, rest);
    this.name = "StreamPartError";
    if (status !== undefined) this.status = status;
    if (code !== undefined) this.code = code;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/**
 * An `Error` for the error of a part: itself, if it is one. Some providers
 * validate the server's error object as if it were a chunk: then the validation
 * error has the object as its `value`, and only the object has the status.
 */
export function toStreamError(error: unknown): Error {
  if (isInstance(error, Error)) {
    const value = getProperty(error, "value");
    const holders = errorObjects(value);
    const message = messageIn(holders);
    const isHidden = Object(value) === value && message !== undefined &&
      statusOf(error) === undefined;
    return isHidden
      ? new StreamPartError(message, { cause: error, ...detailsIn(holders) })
      : error;
  }
  const holders = errorObjects(error);
  return new StreamPartError(messageIn(holders) ?? describe(error), {
    cause: error,
    ...detailsIn(holders),
  });
}

/** The objects in which servers put an error, the innermost first. */
function errorObjects(error: unknown): unknown[] {
  const parsed = parseJson(error) ?? error;
  const response = getProperty(parsed, "response");
  return [
    getProperty(response, "error"),
    getProperty(parsed, "error"),
    parsed,
  ];
}

function messageIn(holders: readonly unknown[]): string | undefined {
  for (const holder of holders) {
    const candidates = [
      typeof holder === "string" ? holder : undefined,
      getProperty(holder, "message"),
      getProperty(holder, "detail"),
    ];
    for (const text of candidates) {
      if (typeof text === "string" && text.trim() !== "") return oneLine(text);
    }
  }
  return undefined;
}

/** What the objects say of the error besides its message. */
function detailsIn(holders: readonly unknown[]): StreamPartErrorOptions {
  const details = holders.map(readError);
  const first = <T>(values: readonly (T | undefined)[]) =>
    values.find((value) => value !== undefined);
  return {
    status: first([
      ...holders.map((holder) => statusOf(holder)).filter(isErrorStatus),
      ...details.map(({ status }) => status),
    ]),
    code: first(details.map(({ code }) => code)),
    retryAfterMs: first(holders.map((holder) => retryAfterOf(holder))),
  };
}

function describe(error: unknown): string {
  try {
    return oneLine(JSON.stringify(error) ?? String(error));
  } catch {
    return "the stream has sent an error that cannot be shown";
  }
}
