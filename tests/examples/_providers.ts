// Providers that fail in half of their calls: one third of the failures each are
// an error before content, a hang before content, and an error after content.
// Each text contains the provider's name and the mark of the request, so that the
// test notices mixed answers.

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
  completions,
  failuresAfterContent,
  failuresBeforeContent,
  hangsBeforeContent,
  preamble,
} from "../_wire_faults.ts";

/** The text chunks of a provider's answer to a request. */
export const answerTo = (provider: string, mark: string): string[] =>
  answerOf(`${provider} to ${mark}`);

const HANGS: readonly WireScript[] = [
  ...hangsBeforeContent,
  [step.wait(20_000), "too late"],
];

/** The script of a provider for one request. */
function anyScript(provider: string, mark: string, draw: Random): WireScript {
  const chance = draw();
  const delay = step.wait(below(draw, 200));
  if (chance < 1 / 6) return [delay, ...oneOf(draw, failuresBeforeContent)];
  if (chance < 2 / 6) return [delay, ...oneOf(draw, HANGS)];
  const fails = chance < 3 / 6;
  const texts = answerTo(provider, mark);
  if (fails) texts.length = 1 + below(draw, texts.length - 1);
  const content = texts.flatMap((text) => [text, step.wait(below(draw, 800))]);
  const last = oneOf(draw, fails ? failuresAfterContent : completions);
  return [delay, preamble, ...content, ...last];
}

/** A provider with a server, and the number of its calls by outcome. */
export interface Provider extends AsyncDisposable {
  readonly baseURL: string;
  readonly outcomes: Readonly<Record<ProviderCall["outcome"], number>>;
}

/** Serves a provider that draws a script for each request. */
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
