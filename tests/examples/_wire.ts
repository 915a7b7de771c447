// Providers that fail in every way there is, a third of the failures each: they
// refuse, they fall silent, they die in mid-answer. What they say carries their
// own name and the mark of the request, so that no two answers can be mixed up.

import {
  errorEvent,
  fail,
  fakeProvider,
  finish,
  hang,
  packet,
  type ProviderCall,
  raw,
  status,
  truncate,
  wait,
  type WireScript,
} from "@fallback/stream/testing";
import { type HttpServer, serveHttp } from "../../src/testing/_http_server.ts";

/** How many words an answer has. */
export const WORDS = 10;

/** What a provider says to a request. */
export function answerOf(provider: string, mark: string): string[] {
  return Array.from(
    { length: WORDS },
    (_, i) => `${provider} ${i} of ${mark} ☃ `,
  );
}

const fault = new Error("cut");
const preamble = { choices: [{ delta: { role: "assistant" } }] };

const refusals: readonly WireScript[] = [
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

const silences: readonly WireScript[] = [
  [hang()],
  [status(503), hang()],
  [preamble, hang()],
  [raw(": keep-alive\n\n"), hang()],
  [wait(20_000), "too late"],
];

const deaths: readonly WireScript[] = [
  [fail(fault)],
  [truncate()],
  [hang()],
  [errorEvent({ message: "overloaded" })],
  [raw('data: {"choices": [{"del\n\n')],
];

const ends: readonly WireScript[] = [
  [],
  [finish()],
  [finish(), truncate()],
  [packet(finish("length"), { choices: [], usage: {} })],
];

/** What a provider does in answer to one request. */
function anyScript(provider: string, mark: string): WireScript {
  const chance = Math.random();
  const thinks = wait(below(200));
  if (chance < 1 / 6) return [thinks, ...oneOf(refusals)];
  if (chance < 2 / 6) return [thinks, ...oneOf(silences)];
  const dies = chance < 3 / 6;
  const words = answerOf(provider, mark);
  if (dies) words.length = 1 + below(WORDS - 1);
  const spoken = words.flatMap((word) => [word, wait(below(800))]);
  return [thinks, preamble, ...spoken, ...oneOf(dies ? deaths : ends)];
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}

function oneOf<T>(items: readonly T[]): T {
  return items[below(items.length)]!;
}

/** A provider that listens, and how often its calls ended how. */
export interface Provider extends AsyncDisposable {
  readonly baseUrl: string;
  readonly outcomes: Readonly<Record<ProviderCall["outcome"], number>>;
}

/** Serves a provider. */
export function serveProvider(name: string): Provider {
  const outcomes: Record<ProviderCall["outcome"], number> = {
    "pending": 0,
    "completed": 0,
    "failed": 0,
    "closed by the client": 0,
  };
  const server: HttpServer = serveHttp(async (request) => {
    const { messages } = await request.clone().json();
    const { fetch } = fakeProvider(anyScript(name, messages[0].content), {
      onCall(call) {
        outcomes.pending++;
        call.closed.then(() => {
          outcomes.pending--;
          outcomes[call.outcome]++;
        });
      },
    });
    return await fetch(request);
  });
  return {
    baseUrl: `${server.url}/v1`,
    outcomes,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
