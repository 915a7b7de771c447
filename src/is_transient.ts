/**
 * Whether a failure may pass by itself.
 *
 * @module
 */

import { holdsForEach, statusOf } from "./_shared/http_status.ts";

/**
 * Returns whether an error may pass by itself, so that the same request can
 * succeed later: an HTTP status of 408, 425, 429 or 5xx, or an error without
 * any status (a network failure, an error inside a stream, and this module's
 * own timeout, empty, truncated and circuit errors). Every other status is
 * permanent. An {@linkcode AllModelsFailedError} is transient if each of its
 * errors is.
 *
 * It is the default of `retry.isRetriable` and of `isFailure` of the health
 * stores. As `fallbackOn` it would refuse an expired key (401) or a removed
 * model (404), for which the next model is most wanted.
 *
 * @param error Anything that was thrown.
 * @returns Whether the error is transient.
 *
 * @example Usage
 * ```ts
 * import { isTransient } from "@fallback/stream";
 * import { assertEquals } from "@std/assert";
 *
 * const overloaded = Object.assign(new Error("overloaded"), { status: 529 });
 * const forbidden = Object.assign(new Error("wrong key"), { status: 401 });
 *
 * assertEquals(isTransient(overloaded), true);
 * assertEquals(isTransient(forbidden), false);
 * assertEquals(isTransient(new TypeError("fetch failed")), true);
 * ```
 */
export function isTransient(error: unknown): boolean {
  return holdsForEach(error, (each) => {
    const status = statusOf(each) ?? 500;
    return status === 408 || status === 425 || status === 429 ||
      status >= 500;
  });
}
