// When the same model is asked again: exponential back-off with jitter, unless
// the provider says itself how long.

import type { Call } from "./_call.ts";
import type { Retry } from "./_chain.ts";
import { retryAfterOf } from "./_retry_after.ts";
import { isOurOwn } from "./errors.ts";
import { isServerTrouble } from "./on_status.ts";
import type { Attempt } from "./types.ts";

/**
 * Waits until the same model may be asked again, at most until the call is
 * stopped or decided.
 *
 * @param tries How often the model was asked by now.
 * @returns Whether it may be; if not, it is the next model's turn.
 * @throws {SuppressedError} What `isRetriable` threw, over the failure.
 */
export async function backOff<Request, Chunk>(
  call: Call<Request, Chunk>,
  retry: Retry,
  failure: unknown,
  attempt: Attempt,
  tries: number,
): Promise<boolean> {
  const ms = delayOf(retry, failure, tries);
  if (ms === undefined || call.isOver()) return false;
  call.emit("retry", attempt, undefined, { error: failure }, ms);
  await call.wait(new Promise(() => {}), ms);
  return true;
}

/** In milliseconds; `undefined` if the model is not to be asked again. */
function delayOf(
  retry: Retry,
  failure: unknown,
  tries: number,
): number | undefined {
  const { options, maxAttempts, minDelayMs, maxDelayMs, multiplier, jitter } =
    retry;
  if (tries >= maxAttempts) return undefined;
  try {
    const isRetriable = options.isRetriable
      ? options.isRetriable(failure)
      : isTransient(failure);
    if (!isRetriable) return undefined;
  } catch (error) {
    throw new SuppressedError(error, failure, "'isRetriable' threw");
  }
  const asked = retryAfterOf(failure);
  if (asked !== undefined) return asked > maxDelayMs ? undefined : asked;
  const delay = Math.min(maxDelayMs, minDelayMs * multiplier ** (tries - 1));
  return delay * (1 - jitter * Math.random());
}

function isTransient(failure: unknown): boolean {
  return !isOurOwn(failure) && isServerTrouble(failure);
}
