/**
 * From an error back to what was tried.
 *
 * @module
 */

import type { Attempt } from "./types/attempt.ts";

const attemptsByError = new WeakMap<WeakKey, readonly Attempt[]>();

/** Notes that a call with these records throws `error`. */
export function linkAttempts(
  error: unknown,
  attempts: readonly Attempt[],
): void {
  if (Object(error) === error) attemptsByError.set(error as WeakKey, attempts);
}

/**
 * What was tried before a call ended with this error: for logs, also where the
 * error is a provider's own or the caller's abort reason.
 *
 * @param error Anything that was caught. A `SuppressedError`, as `await using`
 * makes it, is looked through.
 * @returns The records of the latest call that threw this very object; none
 * for primitives and for errors that no call threw.
 *
 * @example Usage
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
  if (!(error instanceof SuppressedError)) return [];
  const newer = attemptsOf(error.error);
  return newer.length > 0 ? newer : attemptsOf(error.suppressed);
}
