// The faults that a wire can have, as scripts of a provider, and answers of
// which no two can be mixed up.

import {
  errorEvent,
  fail,
  finish,
  hang,
  packet,
  raw,
  status,
  truncate,
  wait,
  type WireScript,
} from "@fallback/stream/testing";

/** What somebody says, in words that are nobody else's. */
export const answerOf = (speaker: string): string[] =>
  Array.from({ length: 10 }, (_, i) => `${speaker} ${i} ☃ `);

const fault = new Error("cut");

/** What comes before the words. */
export const preamble = { choices: [{ delta: { role: "assistant" } }] };

/** The ways in which an answer does not even begin. */
export const refusals: readonly WireScript[] = [
  [status(429, { headers: { "retry-after": "1" }, body: "slow down" })],
  [status(500, { body: "<html>sorry</html>" })],
  [status(529, { body: { error: { type: "overloaded_error" } } })],
  [status(200, { body: { not: "a stream" } })],
  [fail(fault)],
  [preamble, fail(fault)],
  [preamble, truncate()],
  [preamble, errorEvent({ message: "quota", code: 429 })],
  [raw(": keep-alive\n\n"), truncate()],
  [raw('data: {"choices": [{"del\n\n')],
  [finish()],
];

/** The ways in which nothing comes of a request. */
export const silences: readonly WireScript[] = [
  [hang()],
  [status(503), hang()],
  [preamble, hang()],
  [raw(": keep-alive\n\n"), hang()],
];

/** The ways in which an answer breaks off. */
export const breaks: readonly WireScript[] = [
  [fail(fault)],
  [truncate()],
  [hang()],
  [errorEvent({ message: "overloaded" })],
  [raw('data: {"choices": [{"del\n\n')],
];

/** The ways in which an answer is complete. */
export const ends: readonly WireScript[] = [
  [],
  [finish()],
  [finish(), truncate()],
  [packet(finish("length"), { choices: [], usage: {} })],
  [finish(), wait(5), { choices: [], usage: {} }],
];
