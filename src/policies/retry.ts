// When the same model is tried again (R18): exponential backoff with jitter,
// unless the provider says how long to wait. The formula is that of
// `exponentialBackoffWithJitter` in `retry` of @std/async, which is private.

import { headerOf, holdsForEach } from "../_shared/http_status.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { getProperty } from "../_shared/safe_access.ts";
import type { Call } from "../engine/call.ts";
import type { ResolvedRetry } from "../engine/chain.ts";
import { isFallbackError } from "../errors.ts";
import { isTransient } from "../is_transient.ts";
import type { Attempt } from "../types/attempt.ts";
import { matches } from "./conditions.ts";
import { conditionFailure } from "./fallback.ts";

/**
 * Waits until the same model may be tried again, at most until the call is
 * canceled or decided. What `isRetriable` throws ends the call.
 *
 * @param attempts How many attempts the model has had.
 * @returns Whether the model is tried again. If not, the next one is.
 */
export async function waitForRetry<Request, Chunk>(
  call: Call<Request, Chunk>,
  error: unknown,
  attempt: Attempt,
  attempts: number,
): Promise<boolean> {
  const { log, scope } = call;
  const retry = call.chain.retry!;
  if (attempts >= retry.maxAttempts) return false;
  try {
    if (!isRetriable(retry, error, attempt)) return false;
  } catch (thrown) {
    const name = "options.retry.isRetriable";
    scope.fail(conditionFailure(name, thrown, error, attempt));
  }
  if (!scope.isActive) return false;
  const delayMs = retryAfterOf(error) ?? backoffMs(retry, attempts);
  if (!scope.isActive || delayMs > retry.maxDelayMs) return false;
  log.emit("retrying", attempt, undefined, { error }, delayMs);
  await scope.sleep(delayMs);
  return scope.isActive;
}

function isRetriable(
  { tests, options }: ResolvedRetry,
  error: unknown,
  attempt: Attempt,
): boolean {
  const name = "options.retry.isRetriable";
  return tests
    ? matches(name, tests, options, error, attempt)
    : holdsForEach(error, isRetriableByDefault);
}

/** OpenAI's and Anthropic's API say with `x-should-retry` whether to retry. */
function isRetriableByDefault(error: unknown): boolean {
  const answer = headerOf(error, "x-should-retry");
  return !isFallbackError(error) && isTransient(error) && answer !== "false" &&
    !isOutOfQuota(error);
}

/** Whether there is no money left. SDKs keep the code in different places. */
function isOutOfQuota(error: unknown): boolean {
  const body = getProperty(error, "data");
  return [error, getProperty(error, "error"), getProperty(body, "error")]
    .some((holder) => getProperty(holder, "code") === "insufficient_quota");
}

function backoffMs(
  { minDelayMs, maxDelayMs, multiplier, jitter }: ResolvedRetry,
  attempts: number,
): number {
  // Zero times infinity is not a number.
  const growth = Math.min(multiplier ** (attempts - 1), Number.MAX_VALUE);
  const delay = Math.min(maxDelayMs, minDelayMs * growth);
  return delay * (1 - jitter * Math.random());
}
