// The ways in which a provider can fail, as scripts of what it sends.

import {
  errorEvent,
  fail,
  finish,
  hang,
  raw,
  status,
  truncate,
  wait,
  type WireScript,
} from "@fallback/stream/testing";

/**
 * What the first models do instead of answering, by the name of the failure.
 * Those that are not in the list answer.
 */
const FAILURES = {
  "healthy": () => [],
  "status": () => [[
    wait(350),
    status(429, {
      headers: { "retry-after": "8" },
      body: { error: { type: "rate_limit", message: "Too many requests" } },
    }),
  ]],
  "error-event": () => [[
    wait(250),
    ROLE,
    wait(450),
    errorEvent({ type: "server_error", message: "The engine is overloaded" }),
  ]],
  "silence": () => [[wait(250), ROLE, hang()]],
  "malformed": () => [[
    wait(250),
    ROLE,
    wait(300),
    raw('data: {"choices":[{"delta":{"content":"Once upo\n\n'),
  ]],
  "outage": () => [[wait(300), status(503)], [wait(200), ROLE, hang()]],
  "stall": (words) => [[wait(400), ...half(words), hang()]],
  "cut": (words) => [[
    wait(400),
    ...half(words),
    fail(new Error("connection reset")),
  ]],
  "truncated": (words) => [[wait(400), ...half(words), truncate()]],
  "no-done": (words) => [[wait(400), ...words, finish(), truncate()]],
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
