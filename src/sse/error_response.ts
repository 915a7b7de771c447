/**
 * What failed before there was an answer, as a response.
 *
 * @module
 */

import { MAX_TIMEOUT_MS } from "../_shared/arguments.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { attemptsOf } from "../attempts_of.ts";
import { AllModelsFailedError, ModelTimeoutError } from "../errors.ts";
import { publicMessage } from "./_public_message.ts";
import { summarizeAttempts } from "./summarize_attempts.ts";

/**
 * Makes the response for an error of `fallbackStream`:
 *
 * - 503 with `retry-after`, if an error says when it is worth asking again
 * - 504, if nothing but time-outs has ended it
 * - 502 otherwise
 *
 * Its body is JSON, `{ "error": { "message", "attempts" } }`, and says nothing
 * of what a provider has said.
 *
 * @param error What was caught.
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
 * async function handle(): Promise<Response> {
 *   try {
 *     return sseResponse(await fallbackStream(models, "hi"));
 *   } catch (error) {
 *     return errorResponse(error);
 *   }
 * }
 * const { status, headers } = await handle();
 * assertEquals([status, headers.get("retry-after")], [503, "20"]);
 * ```
 */
export function errorResponse(error: unknown): Response {
  const causes = [...causesOf(error)];
  const waits = causes.map(retryAfterOf).filter((ms) => ms !== undefined)
    .filter((ms) => ms <= MAX_TIMEOUT_MS);
  const isTimeout = causes.length > 0 &&
    causes.every((cause) => cause instanceof ModelTimeoutError);
  const body = {
    error: {
      message: publicMessage(error),
      attempts: summarizeAttempts(attemptsOf(error)),
    },
  };
  return Response.json(body, {
    status: waits.length > 0 ? 503 : isTimeout ? 504 : 502,
    headers: {
      "cache-control": "no-store",
      ...(waits.length > 0 &&
        { "retry-after": `${Math.ceil(Math.min(...waits) / 1000)}` }),
    },
  });
}

/** The errors of all models, also of inner chains. */
function* causesOf(error: unknown): Generator<unknown> {
  if (!(error instanceof AllModelsFailedError)) return yield error;
  for (const each of error.errors) yield* causesOf(each);
}
