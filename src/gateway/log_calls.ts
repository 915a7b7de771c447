/**
 * Logging of calls.
 *
 * @module
 */

import {
  assertArgument,
  assertFunction,
  assertOptions,
  type OptionNames,
} from "../_shared/arguments.ts";
import { nameAndMessage, oneLine } from "../_shared/error_text.ts";
import type { Attempt } from "../types/attempt.ts";
import type { CallReport } from "./options.ts";

/** Options of {@linkcode logCalls}. */
export interface LogCallsOptions {
  /**
   * One line of text for people, or one line of JSON for programs.
   *
   * @default {"text"}
   */
  readonly format?: "text" | "json" | undefined;
  /**
   * Writes a line.
   *
   * @default {console.log}
   */
  readonly write?: ((line: string) => unknown) | undefined;
}

const OPTION_NAMES: OptionNames<LogCallsOptions> = {
  format: true,
  write: true,
};

/**
 * Writes one line for each call, for `onCall` of {@linkcode gateway}: the client,
 * the model, the attempts, the tokens, and why it failed. Neither the
 * question nor the answer is logged.
 *
 * @param options The format, and where the lines go.
 * @returns The listener.
 *
 * @example Usage
 * ```ts
 * import { logCalls } from "@fallback/stream/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * const lines: string[] = [];
 * const log = logCalls({ write: (line) => lines.push(line) });
 * log({
 *   requestId: "1",
 *   client: "alice",
 *   model: "chat",
 *   attempts: [],
 *   usage: { outputTokens: 5 },
 *   status: 200,
 *   durationMs: 12,
 * });
 * assertEquals(lines, ["200 chat 12 ms client=alice outputTokens=5 request=1"]);
 * ```
 *
 * @throws {TypeError} If an option is unknown or of the wrong kind.
 */
export function logCalls(
  options: LogCallsOptions = {},
): (report: CallReport) => void {
  assertOptions("options", options, OPTION_NAMES);
  const { format = "text", write = console.log } = options;
  assertArgument(
    format === "text" || format === "json",
    "options.format",
    'be "text" or "json"',
    format,
  );
  assertFunction("options.write", write);
  return (report) => {
    write(format === "json" ? toJson(report) : toText(report));
  };
}

function toText(report: CallReport): string {
  const { requestId, client, model, attempts, usage, status, durationMs } =
    report;
  return [
    status,
    model === undefined ? "-" : oneLine(model, 100),
    `${durationMs} ms`,
    client === undefined ? undefined : `client=${oneLine(client, 100)}`,
    ...Object.entries(usage).map(([name, tokens]) => `${name}=${tokens}`),
    attempts.length === 0
      ? undefined
      : `attempts=${flatten(attempts).map(describe).join(" | ")}`,
    "error" in report ? `error=${nameAndMessage(report.error)}` : undefined,
    `request=${requestId}`,
  ].filter((part) => part !== undefined).join(" ");
}

function toJson(report: CallReport): string {
  const { attempts, error, ...fields } = report;
  return JSON.stringify({
    time: new Date().toISOString(),
    ...fields,
    ...("error" in report && { error: nameAndMessage(error) }),
    attempts: flatten(attempts).map((attempt) => ({
      model: attempt.model,
      outcome: attempt.outcome,
      ...(attempt.endedAt !== undefined &&
        { durationMs: attempt.endedAt - attempt.startedAt }),
      ...("error" in attempt && { error: nameAndMessage(attempt.error) }),
    })),
  });
}

/** The attempts that reached a model: those of nested chains, not the chains. */
function flatten(attempts: readonly Attempt[]): Attempt[] {
  return attempts.flatMap((attempt) =>
    attempt.nested ? flatten(attempt.nested) : [attempt]
  );
}

function describe(attempt: Attempt): string {
  const text = `${oneLine(attempt.model, 100)} ${attempt.outcome}`;
  return "error" in attempt
    ? `${text} (${nameAndMessage(attempt.error)})`
    : text;
}
