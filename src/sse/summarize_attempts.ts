/**
 * What was tried, for the outside.
 *
 * @module
 */

import type { Attempt } from "../types/attempt.ts";
import { publicMessage } from "./_public_message.ts";

/**
 * An attempt without anything that a provider has said. Times are in
 * milliseconds since the epoch.
 */
export interface AttemptSummary {
  /** The model's name in the list. */
  readonly model: string;
  /** What has become of it. */
  readonly outcome: Attempt["outcome"];
  /** When it was asked, or skipped. */
  readonly startedAt: number;
  /** When its first content came. */
  readonly firstContentAt?: number;
  /** When it ended. */
  readonly endedAt?: number;
  /** How many chunks were delivered. */
  readonly chunks: number;
  /** What ended it, in words that give nothing away. */
  readonly error?: string;
  /** The attempts of an inner chain. */
  readonly nested?: readonly AttemptSummary[];
}

/**
 * Sums attempts up, as the last event of `sseResponse` does, for events that
 * say earlier what is being tried.
 *
 * @param attempts The records of a call, also of one that goes on.
 * @returns A copy of them that gives nothing away.
 *
 * @example While the answer is awaited
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { summarizeAttempts } from "@fallback/stream/sse";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const models = [
 *   fakeModel("a", [step.fail(new Error("key sk-1 is over its limit"))]),
 *   fakeModel("b", ["Hi"]),
 * ];
 * const errors = new Set<string | undefined>();
 *
 * await using stream = await fallbackStream(models, "hi", {
 *   onEvent({ attempts }) {
 *     for (const { error } of summarizeAttempts(attempts)) errors.add(error);
 *   },
 * });
 * assertEquals([...errors], [undefined, "the model failed"]);
 * ```
 */
export function summarizeAttempts(
  attempts: readonly Attempt[],
): AttemptSummary[] {
  return attempts.map((attempt) => {
    const { model, outcome, startedAt, firstContentAt, endedAt, chunks } =
      attempt;
    return {
      model,
      outcome,
      startedAt,
      ...(firstContentAt !== undefined && { firstContentAt }),
      ...(endedAt !== undefined && { endedAt }),
      chunks,
      ...("error" in attempt && { error: publicMessage(attempt.error) }),
      ...(attempt.nested && { nested: summarizeAttempts(attempt.nested) }),
    };
  });
}
