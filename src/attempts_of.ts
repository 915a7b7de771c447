/**
 * The attempts behind an error.
 *
 * @module
 */

import { getProperty, isInstance } from "./_shared/safe_access.ts";
import type { Attempt } from "./types/attempt.ts";

const attemptsByError = new WeakMap<WeakKey, readonly Attempt[]>();

/** Remembers that a call with these records throws `error`. */
export function linkAttempts(
  error: unknown,
  attempts: readonly Attempt[],
): void {
  if (Object(error) === error) attemptsByError.set(error as WeakKey, attempts);
}

/**
 * Returns the attempts of the call that threw an error, for logs. It works for
 * any error object: one of this module, a provider's own, or the reason of the
 * caller's signal.
 *
 * @param error Anything that was caught. If it is a `SuppressedError`, as
 * `await using` makes it, the two errors in it are looked up, the later one
 * first.
 * @returns The records of the most recent call that threw this object, first to
 * last. An empty array for primitives and for errors that no call threw.
 *
 * @example An answer that broke off
 * ```ts
 * import { attemptsOf, fallbackStream } from "@fallback/stream";
 * import { assertEquals } from "@std/assert";
 *
 * async function* broken(): AsyncGenerator<string> {
 *   yield "Hel";
 *   throw new Error("connection lost");
 * }
 *
 * try {
 *   for await (const _ of await fallbackStream([broken], {}));
 * } catch (error) {
 *   assertEquals(attemptsOf(error).map((a) => a.outcome), ["interrupted"]);
 * }
 * ```
 */
export function attemptsOf(error: unknown): readonly Attempt[] {
  const own = attemptsByError.get(error as WeakKey);
  if (own) return own;
  const seen = new Set<unknown>();
  const waiting = [error];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (seen.has(next)) continue;
    seen.add(next);
    const attempts = attemptsByError.get(next as WeakKey);
    if (attempts && attempts.length > 0) return attempts;
    if (isInstance(next, SuppressedError)) {
      waiting.push(getProperty(next, "suppressed"), getProperty(next, "error"));
    }
  }
  return [];
}
