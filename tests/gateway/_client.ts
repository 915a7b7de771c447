// A client of the gateway, and chains of fake providers.

import {
  bearerKeys,
  type CallReport,
  gateway,
  type GatewayOptions,
} from "@fallback/stream/gateway";
import { openaiModel } from "@fallback/stream/openai";
import {
  type FakeProvider,
  fakeProvider,
  wire,
  type WireScript,
} from "@fallback/stream/testing";

export const KEY = "for-tests-0123456789";
export const messages = [{ role: "user", content: "hi" }];

export type Handler = (request: Request) => Promise<Response>;

/** A handler with what it calls, and its reports. */
export interface Chain {
  readonly handler: Handler;
  readonly providers: readonly FakeProvider[];
  readonly reports: readonly CallReport[];
}

/** Creates a handler with one chain, `chat`, of providers with these scripts. */
export function chain(
  scripts: readonly WireScript[],
  options: Partial<GatewayOptions> = {},
): Chain {
  const reports: CallReport[] = [];
  const providers = scripts.map((script) => fakeProvider(script));
  const handler = gateway({
    models: {
      chat: providers.map(({ fetch }, i) =>
        openaiModel({ model: `model-${i}`, fetch, apiKey: "sk-provider-key" })
      ),
    },
    authorize: "anyone",
    onCall: (report) => reports.push(report),
    ...options,
  });
  return { handler, providers, reports };
}

/** A chat request. */
export function chatRequest(
  body: unknown = {},
  init: RequestInit = {},
): Request {
  return new Request("http://localhost/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "chat", messages, ...Object(body) }),
    ...init,
  });
}

/** The chunks of a streamed body, including `[DONE]`. */
// deno-lint-ignore no-explicit-any -- any JSON
export async function eventsOf(response: Response): Promise<any[]> {
  const text = await response.text();
  return text.split("\n\n").filter((event) => event.startsWith("data: "))
    .map((event) => event.slice(6))
    .map((data) => data === "[DONE]" ? data : JSON.parse(data));
}

/** An error response as providers send it. */
export const providerError = (
  status: number,
  error: object = {},
  headers: Record<string, string> = {},
): WireScript => [
  wire.status(status, {
    headers,
    body: { error: { message: "provider says so", ...error } },
  }),
];

export { bearerKeys };
