/**
 * The tokens of a whole call.
 *
 * @module
 */

import { assertAttempts } from "./_shared/arguments.ts";
import { USAGE_FIELDS } from "./engine/usage.ts";
import { getProperty } from "./_shared/safe_access.ts";
import type { Attempt, Usage } from "./types/attempt.ts";

/**
 * Returns the tokens that all attempts of a call have reported together, those
 * that failed or lost a race included, because they are billed too. Attempts of
 * nested chains count; the outer attempt that ran them has no usage of its own.
 *
 * @param attempts The attempts of a call, from `stream.attempts` or
 * {@linkcode attemptsOf}.
 * @returns The sums. A field that no attempt has reported is absent.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream, usageOf } from "@fallback/stream";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const model = {
 *   ...fakeModel("a", ["Hello", "!"]),
 *   usage: (chunk: string) =>
 *     chunk === "!" ? { inputTokens: 5, outputTokens: 2 } : undefined,
 * };
 * await using stream = await fallbackStream([model], "hi");
 * for await (const _ of stream);
 * assertEquals(usageOf(stream.attempts), { inputTokens: 5, outputTokens: 2 });
 * ```
 *
 * @throws {TypeError} If `attempts` is not an array.
 */
export function usageOf(attempts: readonly Attempt[]): Usage {
  assertAttempts(attempts);
  const total: Usage = {};
  for (const { usage, nested } of attempts) {
    for (const report of [usage, nested && usageOf(nested)]) {
      for (const field of USAGE_FIELDS) {
        const tokens = getProperty(report, field);
        if (typeof tokens !== "number") continue;
        total[field] = (total[field] ?? 0) + tokens;
      }
    }
  }
  return total;
}
