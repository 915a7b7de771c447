/**
 * The error for an `error` part of an AI SDK stream.
 *
 * @module
 */

import { oneLine } from "../_shared/error_text.ts";
import { isErrorStatus, statusOf } from "../_shared/http_status.ts";
import { getProperty, isInstance, parseJson } from "../_shared/safe_access.ts";

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
  /** The HTTP status that the error object names or stands for. */
  readonly status?: number;

  /**
   * Makes the error.
   *
   * @param message What went wrong.
   * @param options The error of the part as `cause`, and its status.
   */
  constructor(
    message: string,
    options: { cause?: unknown; status?: number | undefined } = {},
  ) {
    const { status, ...rest } = options;
    super(message, rest);
    this.name = "StreamPartError";
    if (status !== undefined) this.status = status;
  }
}

/**
 * The types of errors that stand for a status, from the API references of
 * Anthropic and OpenAI and from `google.rpc.Code`.
 */
const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

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
      ? new StreamPartError(message, {
        cause: error,
        status: statusIn(holders),
      })
      : error;
  }
  const holders = errorObjects(error);
  return new StreamPartError(messageIn(holders) ?? describe(error), {
    cause: error,
    status: statusIn(holders),
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

function statusIn(holders: readonly unknown[]): number | undefined {
  for (const holder of holders) {
    const code = getProperty(holder, "code");
    const status = statusOf(holder) ?? Number(code);
    if (isErrorStatus(status)) return status;
    for (
      const type of [
        getProperty(holder, "type"),
        code,
        getProperty(holder, "status"),
      ]
    ) {
      if (typeof type === "string" && Object.hasOwn(STATUS_OF_TYPE, type)) {
        return STATUS_OF_TYPE[type];
      }
    }
  }
  return undefined;
}

function describe(error: unknown): string {
  try {
    return oneLine(JSON.stringify(error) ?? String(error));
  } catch {
    return "the stream has sent an error that cannot be shown";
  }
}
