/**
 * Attempts without anything secret.
 *
 * @module
 */

import type { Attempt } from "../types/attempt.ts";
import { publicMessage } from "./_public_message.ts";

/**
 * An attempt without any text of a provider. Times are in milliseconds
 * since the epoch.
 */
export interface AttemptSummary {
  /** The model's name in the list. */
  readonly model: string;
  /** The outcome. */
  readonly outcome: Attempt["outcome"];
  /** When it was started, or skipped. */
  readonly startedAt: number;
  /** When its first content arrived. */
  readonly firstContentAt?: number;
  /** When it ended. */
  readonly endedAt?: number;
  /** How many chunks were delivered. */
  readonly chunks: number;
  /** A message about the error without any text of a provider. */
  readonly error?: string;
  /** The attempts of a nested chain. */
  readonly nested?: readonly AttemptSummary[];
}

/**
 * Summarizes attempts for a client, as the last event of `sseResponse` does, for
 * events that show earlier which model is being tried.
 *
 * @param attempts The attempts of a call, which may still be running.
 * @returns A copy without anything that a provider said.
 *
 * @example While the call waits for an answer
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
 * assertEquals([...errors], [undefined, "The model failed"]);
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
