// The faults that a wire can have, as scripts of a provider, and answers of
// which no two can be mixed up.

import { step, wire, type WireScript } from "@fallback/stream/testing";

/** What somebody says, in words that are nobody else's. */
export const answerOf = (speaker: string): string[] =>
  Array.from({ length: 10 }, (_, i) => `${speaker} ${i} ☃ `);

const fault = new Error("cut");

/** What comes before the words. */
export const preamble = { choices: [{ delta: { role: "assistant" } }] };

/** The ways in which an answer does not even begin. */
export const refusals: readonly WireScript[] = [
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

/** The ways in which nothing comes of a request. */
export const silences: readonly WireScript[] = [
  [step.hang()],
  [wire.status(503), step.hang()],
  [preamble, step.hang()],
  [wire.raw(": keep-alive\n\n"), step.hang()],
];

/** The ways in which an answer breaks off. */
export const breaks: readonly WireScript[] = [
  [step.fail(fault)],
  [step.truncate()],
  [step.hang()],
  [wire.errorEvent({ message: "overloaded" })],
  [wire.raw('data: {"choices": [{"del\n\n')],
];

/** The ways in which an answer is complete. */
export const ends: readonly WireScript[] = [
  [],
  [wire.finish()],
  [wire.finish(), step.truncate()],
  [wire.packet(wire.finish("length"), { choices: [], usage: {} })],
  [wire.finish(), step.wait(5), { choices: [], usage: {} }],
];
