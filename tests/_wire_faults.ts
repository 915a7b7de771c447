// Scripts of a fake provider for each kind of failure of a connection, and answers
// that differ by speaker.

import { step, wire, type WireScript } from "@fallback/stream/testing";

/** The text chunks of a speaker's answer. No two speakers share a chunk. */
export const answerOf = (speaker: string): string[] =>
  Array.from({ length: 10 }, (_, i) => `${speaker} ${i} ☃ `);

const connectionError = new Error("connection lost");

/** The chunk before the first text. */
export const preamble = { choices: [{ delta: { role: "assistant" } }] };

/** The provider fails before any content. */
export const failuresBeforeContent: readonly WireScript[] = [
  [wire.status(429, { headers: { "retry-after": "1" }, body: "slow down" })],
  [wire.status(500, { body: "<html>sorry</html>" })],
  [wire.status(529, { body: { error: { type: "overloaded_error" } } })],
  [wire.status(200, { body: { not: "a stream" } })],
  [step.fail(connectionError)],
  [preamble, step.fail(connectionError)],
  [preamble, step.truncate()],
  [preamble, wire.errorEvent({ message: "quota", code: 429 })],
  [wire.raw(": keep-alive\n\n"), step.truncate()],
  [wire.raw('data: {"choices": [{"del\n\n')],
  [wire.finish()],
];

/** The provider hangs before any content. */
export const hangsBeforeContent: readonly WireScript[] = [
  [step.hang()],
  [wire.status(503), step.hang()],
  [preamble, step.hang()],
  [wire.raw(": keep-alive\n\n"), step.hang()],
];

/** The stream fails, is truncated or hangs after content. */
export const failuresAfterContent: readonly WireScript[] = [
  [step.fail(connectionError)],
  [step.truncate()],
  [step.hang()],
  [wire.errorEvent({ message: "overloaded" })],
  [wire.raw('data: {"choices": [{"del\n\n')],
];

/** The answer is complete. */
export const completions: readonly WireScript[] = [
  [],
  [wire.finish()],
  [wire.finish(), step.truncate()],
  [wire.packet(wire.finish("length"), { choices: [], usage: {} })],
  [wire.finish(), step.wait(5), { choices: [], usage: {} }],
];
