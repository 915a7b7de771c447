// A gateway and its providers over real connections.

import { gateway, type GatewayOptions } from "@fallback/stream/gateway";
import { openaiModel } from "@fallback/stream/openai";
import {
  type FakeProvider,
  fakeProvider,
  type WireScript,
} from "@fallback/stream/testing";

export const PROVIDER_KEY = "sk-provider-0123456789";

/** A gateway with one chain, `chat`, that listens until it is disposed of. */
export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  readonly baseURL: string;
  readonly providers: readonly FakeProvider[];
  /** The base URLs of the providers. */
  readonly hosts: readonly string[];
}

/** Serves providers with these scripts, and a gateway that calls them. */
export function serveChain(
  scripts: readonly (WireScript | FakeProvider)[],
  options: Partial<GatewayOptions> = {},
): TestGateway {
  const stack = new AsyncDisposableStack();
  const providers = scripts.map((script) =>
    "fetch" in script ? script : fakeProvider(script)
  );
  const urls = providers.map((provider) => stack.use(provider.listen()));
  const handler = gateway({
    models: {
      chat: urls.map(({ baseURL }, i) =>
        openaiModel({ model: `model-${i}`, baseURL, apiKey: PROVIDER_KEY })
      ),
    },
    authorize: "anyone",
    ...options,
  });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  stack.defer(() => server.shutdown());
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    baseURL: `${url}/v1`,
    providers,
    hosts: urls.map(({ url }) => new URL(url).host),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A streamed chat request. */
export function postChat(
  { baseURL }: TestGateway,
  body: object = {},
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${baseURL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "chat",
      stream: true,
      messages: [{ role: "user", content: "hi" }],
      ...body,
    }),
    ...init,
  });
}
