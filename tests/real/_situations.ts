// Every way to fail, as a script of a provider's wire, and what is wished.

import type { Script } from "./_connection.ts";
import type { Wire } from "./wires/wire.ts";

/** What a chain should do. */
export type Wish = "fallback" | "error" | "complete";

/** One way to fail, or not to. */
export interface Situation {
  readonly name: string;
  readonly wish: Wish;
  /** The status that the recorded failure should have. */
  readonly status?: number;
  /** The wait that the provider asks for, in milliseconds. */
  readonly retryAfterMs?: number;
  script(wire: Wire): Script;
}

type Body = (wire: Wire) => readonly string[];

function streamed(
  name: string,
  wish: Wish,
  body: Body,
  ending: Script["ending"] = "end",
): Situation {
  return {
    name,
    wish,
    script: (wire) => ({
      headers: { "content-type": wire.contentType },
      pieces: body(wire),
      ending,
    }),
  };
}

function refused(
  status: number,
  headers: Record<string, string> = {},
): Situation {
  return {
    name: `status ${status}${
      headers["retry-after"] ? " with Retry-After" : ""
    }`,
    wish: "fallback",
    status,
    ...(headers["retry-after"] && { retryAfterMs: 7_000 }),
    script: (wire) => ({
      status,
      headers: { "content-type": "application/json", ...headers },
      pieces: [wire.refusal],
    }),
  };
}

const PAGE = "<!doctype html><html><body>Bad gateway</body></html>";

/** All situations. Those with "after content" begin with a piece of answer. */
export const SITUATIONS: readonly Situation[] = [
  streamed("complete", "complete", (w) => [w.preamble, w.content, w.end]),
  streamed("complete in one packet", "complete", (w) => [
    w.preamble + w.content + w.end,
  ]),
  refused(400),
  refused(401),
  refused(429, { "retry-after": "7" }),
  refused(503),
  refused(529),
  {
    name: "connection refused",
    wish: "fallback",
    script: () => ({ connect: "refuse" }),
  },
  {
    name: "no response",
    wish: "fallback",
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
  streamed("silence after the headers", "fallback", () => [], "hang"),
  streamed(
    "silence after the preamble",
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
    wish: "fallback",
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
    "silence after content",
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
