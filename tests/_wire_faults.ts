// The faults of a connection, as scripts of a fake provider, and answers that cannot
// be mistaken for each other.

import { step, wire, type WireScript } from "@fallback/stream/testing";

/** The parts of an answer, each with the name of its model. */
export const answerOf = (model: string): string[] =>
  Array.from({ length: 10 }, (_, i) => `${model} ${i} ☃ `);

const fault = new Error("connection lost");

/** The chunk before the text. */
export const preamble = { choices: [{ delta: { role: "assistant" } }] };

/** The ways to fail before any content. */
export const failuresBeforeContent: readonly WireScript[] = [
  [wire.status(429, { headers: { "retry-after": "1" }, body: "slow down" })],
  [wire.status(500, { body: "<html>sorry</html>" })],
  [wire.status(529, { body: { error: { type: "overloaded_error" } } })],
  [wire.status(200, { body: { not: "a stream" } })],
  [step.fail(fault)],
  [preamble, step.fail(fault)],
  [preamble, step.truncate()],
  [preamble, wire.errorEvent({ message: "quota", code: 429 })],
  [wire.raw(": keep-alive\n\n"), step.truncate()],
  [wire.raw('data: {"choices": [{"del\n\n')],
  [wire.finish()],
];

/** The ways to hang before any content. */
export const hangsBeforeContent: readonly WireScript[] = [
  [step.hang()],
  [wire.status(503), step.hang()],
  [preamble, step.hang()],
  [wire.raw(": keep-alive\n\n"), step.hang()],
];

/** The ways to fail in the middle of an answer. */
export const interruptions: readonly WireScript[] = [
  [step.fail(fault)],
  [step.truncate()],
  [step.hang()],
  [wire.errorEvent({ message: "overloaded" })],
  [wire.raw('data: {"choices": [{"del\n\n')],
];

/** The ways to end a complete answer. */
export const completeEndings: readonly WireScript[] = [
  [],
  [wire.finish()],
  [wire.finish(), step.truncate()],
  [wire.packet(wire.finish("length"), { choices: [], usage: {} })],
  [wire.finish(), step.wait(5), { choices: [], usage: {} }],
];
