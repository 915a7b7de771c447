/**
 * Attempts as a waterfall for a terminal.
 *
 * @module
 */

import { assertAttempts } from "./_shared/arguments.ts";
import { nameAndMessage, oneLine } from "./_shared/error_text.ts";
import type { Attempt } from "./types/attempt.ts";

const BAR_WIDTH = 30;
const MAX_NAME_LENGTH = 120;

/**
 * Draws attempts as a waterfall: one line per attempt, to scale, with its
 * outcome, tokens and error. `░` is the wait for content, `█` is the answer. The
 * attempts of a nested chain are indented below the one that ran it.
 *
 * @param attempts The attempts of a call, from `stream.attempts` or
 * {@linkcode attemptsOf}.
 * @returns One line per attempt, joined by `\n`; an empty string if there are
 * none.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream, formatAttempts } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const models = [
 *   fakeModel("gpt", [step.fail(new Error("overloaded"))]),
 *   fakeModel("llama", ["Hel", "lo"]),
 * ];
 * await using stream = await fallbackStream(models, "hi");
 * for await (const _ of stream);
 *
 * const lines = formatAttempts(stream.attempts).split("\n");
 * assertStringIncludes(lines[0]!, "failed      Error: overloaded");
 * assertStringIncludes(lines[1]!, "completed   2 chunks");
 * ```
 *
 * @throws {TypeError} If `attempts` is not an array.
 */
export function formatAttempts(attempts: readonly Attempt[]): string {
  assertAttempts(attempts);
  const rows = flatten(attempts, "");
  const now = Date.now();
  const start = Math.min(...rows.map(({ attempt }) => attempt.startedAt));
  const end = Math.max(...rows.map(({ attempt }) => attempt.endedAt ?? now));
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const column = (time: number) =>
    Math.floor((time - start) / Math.max(end - start, 1) * BAR_WIDTH);
  return rows.map(({ name, attempt }) => {
    const { startedAt, endedAt = now, firstContentAt } = attempt;
    const from = Math.min(column(startedAt), BAR_WIDTH - 1);
    // The shortest attempt has a bar, too.
    const to = attempt.outcome === "skipped"
      ? from
      : Math.max(column(endedAt), from + 1);
    const contentColumn = firstContentAt === undefined
      ? to
      : Math.min(column(firstContentAt), to - 1);
    return [
      name.padEnd(nameWidth),
      "".padEnd(from).padEnd(contentColumn, "░").padEnd(to, "█").padEnd(
        BAR_WIDTH,
      ),
      attempt.outcome.padEnd(11),
      explain(attempt),
    ].join(" ").trimEnd();
  }).join("\n");
}

function flatten(
  attempts: readonly Attempt[],
  indent: string,
): { name: string; attempt: Attempt }[] {
  return attempts.flatMap((attempt) => [
    { name: indent + oneLine(attempt.model, MAX_NAME_LENGTH), attempt },
    ...flatten(attempt.nested ?? [], `${indent}  `),
  ]);
}

function explain(attempt: Attempt): string {
  const { startedAt, firstContentAt, chunks, usage } = attempt;
  const parts = firstContentAt !== undefined || chunks > 0
    ? [`${chunks} ${chunks === 1 ? "chunk" : "chunks"}`]
    : [];
  if (firstContentAt !== undefined) {
    parts.push(`first content after ${firstContentAt - startedAt} ms`);
  }
  const { inputTokens, outputTokens } = usage ?? {};
  if (inputTokens !== undefined) parts.push(`${inputTokens} input tokens`);
  if (outputTokens !== undefined) parts.push(`${outputTokens} output tokens`);
  if (attempt.finishReason !== undefined) {
    parts.push(
      `finish_reason ${JSON.stringify(oneLine(attempt.finishReason, 40))}`,
    );
  }
  if ("error" in attempt) {
    parts.push(nameAndMessage(attempt.error, MAX_NAME_LENGTH));
  }
  if ("closeError" in attempt) {
    parts.push(
      `closing: ${nameAndMessage(attempt.closeError, MAX_NAME_LENGTH)}`,
    );
  }
  return parts.join(", ");
}
