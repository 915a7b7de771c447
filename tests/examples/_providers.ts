// Providers that fail in every way there is, a third of the failures each: they
// refuse, they fall silent, they die in mid-answer. What they say carries their
// own name and the mark of the request, so that no two answers can be mixed up.

import {
  fakeProvider,
  type ProviderCall,
  step,
  type WireScript,
} from "@fallback/stream/testing";
import { below, oneOf, type Random } from "../../bench/_random.ts";
import { type HttpServer, serveHttp } from "../../src/testing/_http_server.ts";
import {
  answerOf,
  completeEndings,
  failuresBeforeContent,
  hangsBeforeContent,
  interruptions,
  preamble,
} from "../_wire_faults.ts";

/** What a provider says to a request. */
export const answerTo = (provider: string, mark: string): string[] =>
  answerOf(`${provider} to ${mark}`);

const SILENCES: readonly WireScript[] = [
  ...hangsBeforeContent,
  [step.wait(20_000), "too late"],
];

/** What a provider does in answer to one request. */
function anyScript(provider: string, mark: string, draw: Random): WireScript {
  const chance = draw();
  const thinks = step.wait(below(draw, 200));
  if (chance < 1 / 6) return [thinks, ...oneOf(draw, failuresBeforeContent)];
  if (chance < 2 / 6) return [thinks, ...oneOf(draw, SILENCES)];
  const dies = chance < 3 / 6;
  const words = answerTo(provider, mark);
  if (dies) words.length = 1 + below(draw, words.length - 1);
  const spoken = words.flatMap((word) => [word, step.wait(below(draw, 800))]);
  const last = oneOf(draw, dies ? interruptions : completeEndings);
  return [thinks, preamble, ...spoken, ...last];
}

/** A provider that listens, and how often its calls ended how. */
export interface Provider extends AsyncDisposable {
  readonly baseURL: string;
  readonly outcomes: Readonly<Record<ProviderCall["outcome"], number>>;
}

/** Serves a provider, which does what chance has it do. */
export function serveProvider(name: string, draw: Random): Provider {
  const outcomes: Record<ProviderCall["outcome"], number> = {
    "pending": 0,
    "completed": 0,
    "failed": 0,
    "aborted": 0,
  };
  const server: HttpServer = serveHttp(async (request) => {
    const { messages } = await request.clone().json();
    const { fetch } = fakeProvider(anyScript(name, messages[0].content, draw), {
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
    baseURL: `${server.url}/v1`,
    outcomes,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
