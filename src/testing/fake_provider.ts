/**
 * A fake provider, which fails as real ones do: on the wire.
 *
 * @module
 */

import { parseJson } from "../_shared/safe_access.ts";
import { FakeExchange, isPause } from "./_fake_exchange.ts";
import { serveHttp } from "./_http_server.ts";
import { StatusStep, type WireScript } from "./wire_script.ts";

/** Options of {@linkcode fakeProvider}. */
export interface FakeProviderOptions {
  /**
   * The line end of the event stream.
   *
   * @default {"\n"}
   */
  readonly lineEnd?: "\n" | "\r\n" | "\r" | undefined;
  /** Called with each request when it has arrived. */
  readonly onCall?: ((call: ProviderCall) => void) | undefined;
}

/** A request to a {@linkcode fakeProvider}, and how its answer ended. */
export interface ProviderCall {
  /** The address of the request. */
  readonly url: string;
  /** The request's headers. */
  readonly headers: Headers;
  /** The request's body: parsed if it is JSON, else its text. */
  readonly body: unknown;
  /** The items of the script that were sent so far. */
  readonly sent: readonly (string | object)[];
  /**
   * How it ended:
   *
   * - `pending`: not yet
   * - `completed`: everything was sent
   * - `failed`: by a `fail()` or `truncate()`
   * - `aborted`: the client disconnected before, or the server was stopped
   */
  readonly outcome:
    | "pending"
    | "completed"
    | "failed"
    | "aborted";
  /** Resolves when it has ended. */
  readonly closed: Promise<void>;
}

/** A provider made by {@linkcode fakeProvider}. */
export interface FakeProvider {
  /** The requests that it has received, first to last. */
  readonly calls: readonly ProviderCall[];
  /**
   * Answers a request without a network: for the `fetch` option of a client,
   * or as a handler of requests. Each packet arrives just as it was sent.
   *
   * @param input The request, or its address.
   * @param init The rest of the request.
   * @returns The answer. It rejects where the script fails before it opens.
   */
  readonly fetch: (
    input: Request | string | URL,
    init?: RequestInit,
  ) => Promise<Response>;
  /**
   * Serves over HTTP on a free port of this machine. It needs Deno, with the
   * permission to use the network. The network may join packets.
   *
   * @returns The server.
   *
   * @example A connection that breaks during the answer
   * ```ts
   * import { fallbackStream } from "@fallback/stream";
   * import { openaiModel } from "@fallback/stream/openai";
   * import { fakeProvider, step } from "@fallback/stream/testing";
   * import { assertRejects } from "@std/assert";
   *
   * const provider = fakeProvider(["Hel", step.fail(new Error("power failure"))]);
   * await using server = provider.listen();
   * const model = openaiModel({ model: "fake", baseURL: server.baseURL });
   *
   * await using stream = await fallbackStream([model], { messages: [] });
   * await assertRejects(() => Array.fromAsync(stream), TypeError);
   * ```
   *
   * @throws {TypeError} If this is not Deno.
   * @throws {Deno.errors.NotCapable} If that permission is missing.
   */
  listen(): FakeServer;
}

/** A server that listens until it is disposed of, which closes every connection. */
export interface FakeServer extends AsyncDisposable {
  /** Its address, for instance `"http://127.0.0.1:8000"`. */
  readonly url: string;
  /** The base URL for clients of the OpenAI API: `url` and `/v1`. */
  readonly baseURL: string;
}

/**
 * Makes a provider that speaks the OpenAI chat-completions stream and follows a
 * script, over HTTP or as a `fetch`. It answers every request, at any address.
 *
 * @param script What it does in answer to every request; or `scripts`, one for
 * each request, of which the last repeats.
 * @param options How lines end, and a listener for requests.
 * @returns The provider.
 *
 * @example An overloaded server, which then answers
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, wire } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const provider = fakeProvider({ scripts: [[wire.status(529)], ["Hel", "lo"]] });
 * const model = openaiModel({ model: "fake", fetch: provider.fetch });
 *
 * const messages = [{ role: "user", content: "Hi" }];
 * const options = { retry: { minDelayMs: 0 } };
 * await using stream = await fallbackStream([model], { messages }, options);
 *
 * const { value } = await stream.next();
 * assertEquals(value?.choices[0]?.delta?.content, "Hel");
 * assertEquals(provider.calls.length, 2);
 * ```
 *
 * @throws {TypeError} If there is no script.
 * @throws {TypeError} If a script has a status after what sends the headers.
 */
export function fakeProvider(
  script: WireScript | { readonly scripts: readonly WireScript[] },
  options: FakeProviderOptions = {},
): FakeProvider {
  const scripts = "scripts" in script ? script.scripts : [script];
  if (scripts.length === 0) {
    throw new TypeError(
      "Cannot make a provider as 'scripts' must hold at least one script",
    );
  }
  scripts.forEach(checkScript);
  const calls: ProviderCall[] = [];
  // Kept, because Deno before 2.8 collects a request's signal with its listeners.
  const open = new Set<FakeExchange>();
  const fetch: FakeProvider["fetch"] = async (input, init) => {
    const request = new Request(input, init);
    const text = await request.text();
    const body = parseJson(text) ?? text;
    request.signal.throwIfAborted();
    const exchange = new FakeExchange(request, body, calls.length, options);
    open.add(exchange);
    exchange.call.closed.then(() => open.delete(exchange));
    const script = scripts[calls.length] ?? scripts.at(-1)!;
    calls.push(exchange.call);
    options.onCall?.(exchange.call);
    return await exchange.answer(script);
  };
  return {
    calls,
    fetch,
    listen() {
      if (!("Deno" in globalThis)) {
        throw new TypeError(
          "Cannot listen as only Deno can: give 'fetch' to your client instead",
        );
      }
      const server = serveHttp(fetch);
      return {
        url: server.url,
        baseURL: `${server.url}/v1`,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

function checkScript(script: WireScript): void {
  const opening = script.findIndex((item) => !isPause(item));
  const status = script.findLastIndex((item) => item instanceof StatusStep);
  if (status <= opening) return;
  throw new TypeError(
    `Cannot run the script as the status at ${status} comes after what sends the headers, at ${opening}`,
  );
}
