// The failures of a provider, as scripts of its responses.

import { step, wire, type WireScript } from "@fallback/stream/testing";

/**
 * The scripts of the first models, by the name of the failure.
 * Models without a script answer.
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
  "stall": (answer) => [[step.wait(400), ...half(answer), step.hang()]],
  "reset": (answer) => [[
    step.wait(400),
    ...half(answer),
    step.fail(new Error("connection reset")),
  ]],
  "truncated": (answer) => [[step.wait(400), ...half(answer), step.truncate()]],
  "no-done": (
    answer,
  ) => [[step.wait(400), ...answer, wire.finish(), step.truncate()]],
} satisfies Record<string, (answer: WireScript) => WireScript[]>;

/** The name of a failure, or "healthy". */
export type Failure = keyof typeof FAILURES;

/** All names of failures. */
export const failures = Object.keys(FAILURES) as readonly Failure[];

/** The chunk with which most answers begin. It is not content yet. */
const ROLE = { choices: [{ index: 0, delta: { role: "assistant" } }] };

/** Whether a value is the name of a failure. */
export function isFailure(value: unknown): value is Failure {
  return failures.some((failure) => failure === value);
}

/**
 * The script of the model at an index, or `undefined` if it answers.
 *
 * @param answer The script of its complete answer.
 */
export function scriptOf(
  failure: Failure,
  index: number,
  answer: WireScript,
): WireScript | undefined {
  return FAILURES[failure](answer)[index];
}

function half(answer: WireScript): WireScript {
  return answer.slice(0, Math.ceil(answer.length / 2));
}
