/**
 * A provider that fails as providers do: on the wire.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { delay } from "@std/async/delay";
import { serveHttp } from "./_http_server.ts";
import { Step } from "./script.ts";
import { end } from "./step.ts";
import { finish, raw } from "./wire.ts";
import {
  EVENT_STREAM,
  PacketStep,
  StatusStep,
  type WireScript,
} from "./wire_script.ts";

/** Options of {@linkcode fakeProvider}. */
export interface FakeProviderOptions {
  /**
   * What ends a line of the event stream.
   *
   * @default {"\n"}
   */
  readonly lineEnd?: "\n" | "\r\n" | "\r" | undefined;
  /** Is told of each request when it has arrived. */
  readonly onCall?: ((call: ProviderCall) => void) | undefined;
}

/** A request that a {@linkcode fakeProvider} got, and what came of it. */
export interface ProviderCall {
  /** The address that was asked. */
  readonly url: string;
  /** The request's headers. */
  readonly headers: Headers;
  /** The request's body: parsed if it is JSON, else its text. */
  readonly body: unknown;
  /** What of the script was sent so far. */
  readonly sent: readonly (string | object)[];
  /**
   * How it ended:
   *
   * - `pending`: not yet
   * - `completed`: all was sent
   * - `failed`: by a `fail()` or `truncate()`
   * - `aborted`: the client left before, or the server was stopped
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
  /** The requests that it got, first to last. */
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
   * Serves over HTTP on a free port of this machine. Needs Deno, with the
   * permission to use the network. Packets arrive apart unless the network
   * joins them.
   *
   * @returns The server.
   *
   * @example A connection that breaks in mid-answer
   * ```ts
   * import { fallbackStream } from "@fallback/stream";
   * import { openaiModel } from "@fallback/stream/openai";
   * import { fakeProvider, step } from "@fallback/stream/testing";
   * import { assertRejects } from "@std/assert";
   *
   * const provider = fakeProvider(["Hel", step.fail(new Error("power cut"))]);
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

/** A server that listens until it is disposed of, which cuts every connection. */
export interface FakeServer extends AsyncDisposable {
  /** Its address, for instance `"http://127.0.0.1:8000"`. */
  readonly url: string;
  /** What a client of the OpenAI API takes for the base of its addresses. */
  readonly baseURL: string;
}

/**
 * Makes a provider that speaks the OpenAI chat-completions stream and does what
 * it is told, over HTTP or as a `fetch`. It answers whatever is asked, at any
 * address.
 *
 * @param script What it does, each time; or `scripts`, one for each request, of
 * which the last repeats.
 * @param options How lines end, and who is told of requests.
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
  // Held, for Deno before 2.8 forgets a request's signal with its listeners.
  const open = new Set<Exchange>();
  const fetch: FakeProvider["fetch"] = async (input, init) => {
    const request = new Request(input, init);
    const body = parse(await request.text());
    request.signal.throwIfAborted();
    const exchange = new Exchange(request, body, calls.length, options);
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

const END = end();

function checkScript(script: WireScript): void {
  const opening = script.findIndex((item) => !isPause(item));
  const status = script.findLastIndex((item) => item instanceof StatusStep);
  if (status <= opening) return;
  throw new TypeError(
    `Cannot run the script as the status at ${status} comes after what sends the headers, at ${opening}`,
  );
}

/** Whether a step belongs to opening, where it comes before what opens. */
function isPause(item: unknown): item is Step {
  return item instanceof Step && ["wait", "hang", "fail"].includes(item.type);
}

/** One request, and the answer to it as it goes on. */
class Exchange {
  readonly call: { -readonly [Key in keyof ProviderCall]: ProviderCall[Key] };
  readonly #sent: (string | object)[] = [];
  readonly #id: string;
  readonly #lineEnd: string;
  readonly #client: AbortSignal;
  readonly #closed = Promise.withResolvers<void>();
  /** Aborts when nothing more is to be sent. */
  readonly #over = new AbortController();
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** A `finish_reason` was sent. */
  #finished = false;

  constructor(
    request: Request,
    body: unknown,
    index: number,
    options: FakeProviderOptions,
  ) {
    this.#id = `chatcmpl-${index + 1}`;
    this.#lineEnd = options.lineEnd ?? "\n";
    this.#client = request.signal;
    this.call = {
      url: request.url,
      headers: request.headers,
      body,
      sent: this.#sent,
      outcome: "pending",
      closed: this.#closed.promise,
    };
  }

  async answer(script: WireScript): Promise<Response> {
    this.#client.addEventListener("abort", this.#leave);
    const head = script.find((item) => item instanceof StatusStep) ??
      new StatusStep(200);
    const packets = this.#perform(script, head);
    await packets.next();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller;
      },
      pull: async (controller) => {
        const { value, done } = await packets.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: this.#leave,
    }, { highWaterMark: 0 });
    return new Response(body, { status: head.code, headers: head.headers });
  }

  /** Yields nothing when the answer opens, and from then on packets. */
  async *#perform(
    script: WireScript,
    head: StatusStep,
  ): AsyncGenerator<Uint8Array | undefined, undefined> {
    let opened = false;
    try {
      for (let at = 0;; at++) {
        const item = script[at] ?? END;
        if (isPause(item)) {
          await this.#pause(item);
          continue;
        }
        if (!opened) yield;
        opened = true;
        if (!(item instanceof Step)) {
          this.#sent.push(item);
          const bytes = this.#encode(item);
          if (bytes.length > 0) yield bytes;
        } else if (item.type === "truncate") {
          return this.#settle("failed");
        } else if (item.type === "end") {
          return yield* this.#end(head);
        }
      }
    } catch (error) {
      this.#settle("failed");
      throw error;
    }
  }

  async #pause({ type, ms, error }: Step): Promise<void> {
    const { signal } = this.#over;
    if (type === "fail") throw error;
    if (type === "wait") await delay(ms, { signal });
    else await abortable(new Promise(() => {}), signal);
  }

  *#end(head: StatusStep): Generator<Uint8Array, undefined> {
    const type = head.headers.get("content-type");
    if (type?.startsWith(EVENT_STREAM)) {
      if (!this.#finished) yield this.#encode(finish());
      this.#settle("completed");
      yield this.#event("[DONE]");
    }
    this.#settle("completed");
  }

  #encode(item: string | object): Uint8Array<ArrayBuffer> {
    if (item instanceof Uint8Array) return new Uint8Array(item);
    if (item instanceof StatusStep) return item.body ?? raw("");
    if (item instanceof PacketStep) {
      return joined(item.parts.map((part) => this.#encode(part)));
    }
    const chunk = typeof item === "string" ? this.#textChunk(item) : item;
    this.#finished ||= hasFinishReason(chunk);
    return this.#event(JSON.stringify(chunk));
  }

  #textChunk(content: string): object {
    return {
      id: this.#id,
      object: "chat.completion.chunk",
      created: 0,
      model: Object(this.call.body).model,
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    };
  }

  #event(data: string): Uint8Array<ArrayBuffer> {
    return raw(`data: ${data}${this.#lineEnd}${this.#lineEnd}`);
  }

  readonly #leave = (): void => {
    this.#settle("aborted");
    this.#body?.error(this.#client.reason);
  };

  #settle(outcome: ProviderCall["outcome"]): undefined {
    if (this.call.outcome !== "pending") return;
    this.call.outcome = outcome;
    this.#client.removeEventListener("abort", this.#leave);
    this.#over.abort(this.#client.reason);
    this.#closed.resolve();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function hasFinishReason(chunk: object): boolean {
  const { choices } = chunk as { choices?: unknown };
  return Array.isArray(choices) &&
    choices.some((choice) => Object(choice).finish_reason);
}

function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    parts.reduce((length, part) => length + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
