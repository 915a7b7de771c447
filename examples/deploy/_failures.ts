// The ways in which a provider can fail, as scripts of what it sends.

import { step, wire, type WireScript } from "@fallback/stream/testing";

/**
 * What the first models do instead of answering, by the name of the failure.
 * Those that are not in the list answer.
 */
const FAILURES = {
  "healthy": () => [],
  "status": () => [[
    step.wait(350),
    wire.status(429, {
      headers: { "retry-after": "8" },
      body: { error: { type: "rate_limit", message: "Too many requests" } },
    }),
  ]],
  "error-event": () => [[
    step.wait(250),
    ROLE,
    step.wait(450),
    wire.errorEvent({
      type: "server_error",
      message: "The engine is overloaded",
    }),
  ]],
  "silence": () => [[step.wait(250), ROLE, step.hang()]],
  "malformed": () => [[
    step.wait(250),
    ROLE,
    step.wait(300),
    wire.raw('data: {"choices":[{"delta":{"content":"Once upo\n\n'),
  ]],
  "outage": () => [[step.wait(300), wire.status(503)], [
    step.wait(200),
    ROLE,
    step.hang(),
  ]],
  "stall": (words) => [[step.wait(400), ...half(words), step.hang()]],
  "cut": (words) => [[
    step.wait(400),
    ...half(words),
    step.fail(new Error("connection reset")),
  ]],
  "truncated": (words) => [[step.wait(400), ...half(words), step.truncate()]],
  "no-done": (
    words,
  ) => [[step.wait(400), ...words, wire.finish(), step.truncate()]],
} satisfies Record<string, (words: WireScript) => WireScript[]>;

/** A way to fail, or not to. */
export type Failure = keyof typeof FAILURES;

/** All of them. */
export const failures = Object.keys(FAILURES) as readonly Failure[];

/** The chunk with which most answers begin. It is not content yet. */
const ROLE = { choices: [{ index: 0, delta: { role: "assistant" } }] };

/** Whether a value names a way to fail. */
export function isFailure(value: unknown): value is Failure {
  return failures.some((failure) => failure === value);
}

/**
 * What the model at a place does instead of answering; nothing if it answers.
 *
 * @param words What it would have said.
 */
export function scriptOf(
  failure: Failure,
  index: number,
  words: WireScript,
): WireScript | undefined {
  return FAILURES[failure](words)[index];
}

function half(words: WireScript): WireScript {
  return words.slice(0, Math.ceil(words.length / 2));
}
