// Closing: every step is taken, whatever the others do, and is waited for until
// the time is up.

import { isInstance } from "../_shared/safe_access.ts";
import { ModelTimeoutError } from "../errors.ts";
import type { Failure } from "./failure.ts";

/** How many errors within a `SuppressedError` are looked at. It may contain itself. */
const MAX_ERRORS = 64;

/** Keeps the errors of closing. */
export interface CloseErrorOwner {
  /** Must not throw. */
  noteCloseError(error: unknown): void;
}

/**
 * Takes one step after the other and waits for all of them together at most
 * `ms`. When the time is up, the remaining steps are still taken, but not
 * waited for.
 *
 * @param owner Receives what a step threw, unless it came too late.
 * @returns Whether all steps have settled in time.
 */
export async function closeWithin(
  ms: number,
  steps: readonly (() => unknown)[],
  owner: CloseErrorOwner,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = Symbol();
  let timeout: Promise<unknown> | undefined;
  let isLate = false;
  try {
    for (const step of steps) {
      try {
        const closing = step();
        if (closing === undefined) continue;
        timeout ??= new Promise((resolve) => {
          timer = setTimeout(resolve, ms, timeUp);
        });
        // After the time is up the timeout comes first, so that it wins. To
        // race all the same handles a rejection that comes later.
        isLate = await Promise.race(
          isLate ? [timeout, closing] : [closing, timeout],
        ) === timeUp;
      } catch (error) {
        owner.noteCloseError(error);
      }
    }
  } finally {
    clearTimeout(timer);
  }
  return !isLate;
}

/**
 * What is left of an error without the errors that `isIgnored` accepts, which
 * may be anywhere in a `SuppressedError`. `undefined` if nothing is left.
 */
export function withoutErrors(
  error: unknown,
  isIgnored: (error: unknown) => boolean,
  budget = { left: MAX_ERRORS },
): Failure | undefined {
  if (isIgnored(error)) return undefined;
  if (budget.left-- <= 0 || !isInstance(error, SuppressedError)) {
    return { error };
  }
  try {
    const later = withoutErrors(error.error, isIgnored, budget);
    const first = withoutErrors(error.suppressed, isIgnored, budget);
    if (!later || !first) return later ?? first;
    const isSame = later.error === error.error &&
      first.error === error.suppressed;
    return {
      error: isSame ? error : new SuppressedError(later.error, first.error),
    };
  } catch {
    return { error }; // it cannot be looked into
  }
}

/** A close error without timeouts, which are recorded but never thrown. */
export function closeErrorToThrow(
  closeError: Failure | undefined,
): Failure | undefined {
  return closeError && withoutErrors(
    closeError.error,
    (error) => isInstance(error, ModelTimeoutError) && error.phase === "close",
  );
}
