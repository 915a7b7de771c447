/**
 * A provider that fails as providers do: on the wire.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { delay } from "@std/async/delay";
import { serveHttp } from "./_http_server.ts";
import { end, type Script, Step } from "./script.ts";

/**
 * What a {@linkcode fakeProvider} does in answer to one request, in order:
 *
 * - a string is sent as a chunk with that text,
 * - any other object is sent as that JSON event: a chunk, {@linkcode finish},
 *   {@linkcode errorEvent},
 * - bytes, such as those of {@linkcode raw}, are sent as they are,
 * - {@linkcode packet} sends several of these at once; else each is a packet
 *   of its own,
 * - {@linkcode status} answers with another status, headers and body,
 * - `wait()` and `hang()` hold back the headers or what is left of the body,
 * - `fail()` cuts the connection, before any header or in mid-body,
 * - `truncate()` ends the body there and then,
 * - `end()`, like the end of the script, sends what makes an answer complete:
 *   a `finish_reason`, unless there was one, and `[DONE]`; but nothing if the
 *   `status()` says that the body is no event stream.
 *
 * The headers go out at `open()` or `status()`, or else before the first packet.
 */
export type WireScript = Script<string | object>;

/** Answers with a status; made by {@linkcode status}. */
export class StatusStep {
  /** The status. */
  readonly code: number;
  /** The headers, always with a content type. */
  readonly headers: Headers;
  /** The body, or its beginning. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;

  /**
   * Makes the step; {@linkcode status} says it shorter.
   *
   * @param code The status.
   * @param options Headers and body.
   */
  constructor(code: number, options: StatusOptions = {}) {
    const { headers, body } = options;
    const isText = typeof body === "string";
    this.code = code;
    this.headers = new Headers(headers);
    this.body = body === undefined
      ? undefined
      : raw(isText ? body : JSON.stringify(body));
    if (this.headers.has("content-type")) return;
    const type = isText
      ? "text/plain;charset=utf-8"
      : body || code >= 300
      ? "application/json"
      : EVENT_STREAM;
    this.headers.set("content-type", type);
  }
}

/** Sends several things at once; made by {@linkcode packet}. */
export class PacketStep {
  /** What is sent. */
  readonly parts: readonly (string | object)[];

  /**
   * Makes the step; {@linkcode packet} says it shorter.
   *
   * @param parts What is sent.
   */
  constructor(parts: readonly (string | object)[]) {
    this.parts = parts;
  }
}

/** What {@linkcode status} sends besides the status. */
export interface StatusOptions {
  /**
   * The headers. Without a `content-type` that is JSON for an object, plain
   * text for a string, and where there is no body an event stream for a 200 and
   * JSON for an error.
   */
  readonly headers?: RequestInit["headers"] | undefined;
  /** The body, or its beginning: the script may go on with it. */
  readonly body?: string | object | undefined;
}

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
   * - `closed by the client`: the client left before, or the server was stopped
   */
  readonly outcome:
    | "pending"
    | "completed"
    | "failed"
    | "closed by the client";
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
   * import { fail, fakeProvider } from "@fallback/stream/testing";
   * import { assertRejects } from "@std/assert";
   *
   * const provider = fakeProvider(["Hel", fail(new Error("power cut"))]);
   * await using server = provider.listen();
   * const model = openaiModel({ model: "fake", baseUrl: server.baseUrl });
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
  readonly baseUrl: string;
}

/**
 * Answers with a status. Nothing that sends the headers may come before it.
 *
 * @param code The status, from 200 to 599.
 * @param options Headers and body.
 * @returns The step.
 *
 * @example An overloaded provider
 * ```ts
 * import { fakeProvider, status } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const provider = fakeProvider([
 *   status(529, {
 *     headers: { "retry-after": "20" },
 *     body: { error: { type: "overloaded_error" } },
 *   }),
 * ]);
 *
 * const response = await provider.fetch("http://localhost/v1");
 * assertEquals(response.status, 529);
 * assertEquals(await response.json(), { error: { type: "overloaded_error" } });
 * ```
 *
 * @throws {RangeError} If `code` is no status from 200 to 599.
 * @throws {RangeError} If its answers have no body: 204, 205, 304.
 */
export function status(code: number, options?: StatusOptions): StatusStep {
  const hasBody = ![204, 205, 304].includes(code);
  if (!Number.isInteger(code) || code < 200 || code > 599 || !hasBody) {
    throw new RangeError(
      `Cannot answer as 'code' must be a status from 200 to 599 with a body: current value is ${code}`,
    );
  }
  return new StatusStep(code, options);
}

/**
 * What is sent as it is: malformed events, comments, a part of a character.
 *
 * @param text A text; bytes can stand in a script by themselves.
 * @returns Its bytes.
 *
 * @example A keep-alive, and a stream that ends without a `finish_reason`
 * ```ts
 * import { fakeProvider, raw, truncate } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const provider = fakeProvider([
 *   raw(": keep-alive\n\n"),
 *   raw("data: [DONE]\n\n"),
 *   truncate(),
 * ]);
 *
 * const response = await provider.fetch("http://localhost/v1");
 * assertEquals(await response.text(), ": keep-alive\n\ndata: [DONE]\n\n");
 * ```
 */
export function raw(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * Sends several things in one packet.
 *
 * @param parts What to send: all that a script can send, but for a status.
 * @returns The step.
 *
 * @example Two chunks in one packet
 * ```ts
 * import { fakeProvider, packet, truncate } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const { fetch } = fakeProvider([packet("Hel", "lo"), truncate()]);
 * const { body } = await fetch("http://localhost/v1");
 * const texts = body!.pipeThrough(new TextDecoderStream());
 * const [first] = await Array.fromAsync(texts);
 * assertEquals(first?.match(/"content":"\w+"/g)?.length, 2);
 * ```
 */
export function packet(...parts: (string | object)[]): PacketStep {
  return new PacketStep(parts);
}

/**
 * The event by which a provider fails in mid-stream.
 *
 * @param error The error object.
 * @returns The event.
 *
 * @example A provider that gives up
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { openaiModel, StreamError } from "@fallback/stream/openai";
 * import { errorEvent, fakeProvider } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const error = { code: 529, message: "overloaded" };
 * const { fetch } = fakeProvider(["Hel", errorEvent(error)]);
 * const model = openaiModel({ model: "fake", fetch });
 *
 * await using stream = await fallbackStream([model], { messages: [] });
 * await assertRejects(() => Array.fromAsync(stream), StreamError, "overload");
 * ```
 */
export function errorEvent(error: unknown): { error: unknown } {
  return { error };
}

/**
 * The chunk that ends an answer, for scripts that do not end by themselves.
 *
 * @param reason Why it ends.
 * @returns The chunk.
 *
 * @example A missing `[DONE]`
 * ```ts
 * import { fakeProvider, finish, truncate } from "@fallback/stream/testing";
 * import { assertMatch } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Hello", finish(), truncate()]);
 * const response = await fetch("http://localhost/v1");
 * assertMatch(await response.text(), /"finish_reason":"stop"\}\]\}\n\n$/);
 * ```
 */
export function finish(reason = "stop"): { choices: object[] } {
  return { choices: [{ index: 0, delta: {}, finish_reason: reason }] };
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
 * import { fakeProvider, status } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const provider = fakeProvider({ scripts: [[status(529)], ["Hel", "lo"]] });
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
        baseUrl: `${server.url}/v1`,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

const EVENT_STREAM = "text/event-stream";
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
    this.#settle("closed by the client");
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
