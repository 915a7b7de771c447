// Every kind of failure, as a script of a provider, and the expected outcome.

import type { Script } from "./_connection.ts";
import type { Wire } from "./wires/wire.ts";

/** What a chain has to do. */
export type ExpectedOutcome = "fallback" | "error" | "complete";

/** A kind of failure, or a complete answer. */
export interface Situation {
  readonly name: string;
  readonly expected: ExpectedOutcome;
  /** The status that the recorded failure should have. */
  readonly status?: number;
  /** The Retry-After of the provider, in milliseconds. */
  readonly retryAfterMs?: number;
  script(wire: Wire): Script;
}

type Body = (wire: Wire) => readonly string[];

function streamed(
  name: string,
  expected: ExpectedOutcome,
  body: Body,
  ending: Script["ending"] = "end",
): Situation {
  return {
    name,
    expected,
    script: (wire) => ({
      headers: { "content-type": wire.contentType },
      pieces: body(wire),
      ending,
    }),
  };
}

function errorStatus(
  status: number,
  headers: Record<string, string> = {},
): Situation {
  return {
    name: `status ${status}${
      headers["retry-after"] ? " with Retry-After" : ""
    }`,
    expected: "fallback",
    status,
    ...(headers["retry-after"] && { retryAfterMs: 7_000 }),
    script: (wire) => ({
      status,
      headers: { "content-type": "application/json", ...headers },
      pieces: [wire.errorBody],
    }),
  };
}

const PAGE = "<!doctype html><html><body>Bad gateway</body></html>";

/** All situations. In those with "after content" a piece of the answer comes first. */
export const SITUATIONS: readonly Situation[] = [
  streamed("complete", "complete", (w) => [w.preamble, w.content, w.end]),
  streamed("complete in one packet", "complete", (w) => [
    w.preamble + w.content + w.end,
  ]),
  errorStatus(400),
  errorStatus(401),
  errorStatus(429, { "retry-after": "7" }),
  errorStatus(503),
  errorStatus(529),
  {
    name: "connection refused",
    expected: "fallback",
    script: () => ({ connect: "refuse" }),
  },
  {
    name: "no response",
    expected: "fallback",
    script: () => ({ connect: "hang" }),
  },
  streamed("error first", "fallback", (w) => [w.error]),
  streamed("error after the preamble", "fallback", (w) => [
    w.preamble,
    w.error,
  ]),
  streamed("empty answer", "fallback", (w) => [
    w.preamble,
    w.empty ?? w.end,
  ]),
  streamed("filtered answer", "fallback", (w) => [w.preamble, w.filtered]),
  streamed("nothing", "fallback", () => []),
  streamed("early end after the preamble", "fallback", (w) => [w.preamble]),
  streamed("hang after the headers", "fallback", () => [], "hang"),
  streamed(
    "hang after the preamble",
    "fallback",
    (w) => [w.preamble],
    "hang",
  ),
  streamed("broken after the headers", "fallback", () => [], "break"),
  streamed(
    "broken after the preamble",
    "fallback",
    (w) => [w.preamble],
    "break",
  ),
  {
    name: "HTML",
    expected: "fallback",
    script: () => ({
      headers: { "content-type": "text/html" },
      pieces: [PAGE],
    }),
  },
  streamed("error after content", "error", (w) => [
    w.preamble,
    w.content,
    w.error,
  ]),
  streamed("early end after content", "error", (w) => [w.preamble, w.content]),
  streamed(
    "hang after content",
    "error",
    (w) => [w.preamble, w.content],
    "hang",
  ),
  streamed(
    "broken after content",
    "error",
    (w) => [w.preamble, w.content],
    "break",
  ),
];
