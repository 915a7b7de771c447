/**
 * A model behind a server that speaks the chat-completions protocol.
 *
 * @module
 */

import type { Model, ModelContext } from "../types/model.ts";
import {
  type ChatChunk,
  type ChatRequest,
  isContent,
  isFinal,
} from "./_chat.ts";
import { notAStreamError, readChunks } from "./_chunks.ts";
import { assertArgument, assertObject } from "../_shared/arguments.ts";
import { readText } from "./_read_text.ts";
import { type Redact, redactor } from "./_redact.ts";
import { HttpError } from "./http_error.ts";

/** How much of an answer that is no stream is read. */
const MOST_BYTES = 64 * 1024;

/** How long such an answer may take; that it is a failure is known already. */
const PATIENCE_MS = 1000;

/** The content types of answers that are no streams, in whatever words. */
const WHOLE = /^(application|text)\/[^;,]*(json|html)/i;

/** Options of {@linkcode openaiModel}. */
export interface OpenAIModelOptions {
  /** The model, as the server calls it. */
  readonly model: string;
  /**
   * Where the server is: what comes before `/chat/completions`. A query, such
   * as Azure's `?api-version=…`, is kept.
   *
   * @default {"https://api.openai.com/v1"}
   */
  readonly baseURL?: string | undefined;
  /** Sent as `authorization: Bearer …`. Without it, no such header is sent. */
  readonly apiKey?: string | undefined;
  /** Further headers. They win over those that are sent by default. */
  readonly headers?: RequestInit["headers"] | undefined;
  /**
   * Sends the requests.
   *
   * @default {globalThis.fetch}
   */
  readonly fetch?:
    | ((url: string, init: RequestInit) => Promise<Response>)
    | undefined;
  /**
   * Names the model in records, events and errors.
   *
   * @default {options.model}
   */
  readonly name?: string | undefined;
}

/**
 * Makes a model from a server that speaks the OpenAI chat-completions stream.
 *
 * Its chunks are the server's `chat.completion.chunk` objects. Text, reasoning,
 * a refusal, audio or a call of a tool is content; a `finish_reason` is final,
 * and so is `[DONE]`: where no `finish_reason` came before it, a last chunk
 * without choices stands for it.
 *
 * The stream reads one network packet at a time, when it is pulled. Aborting
 * `context.signal`, closing the stream, and disposing of `context.stack` each
 * close the connection.
 *
 * @param options Which model, and where.
 * @returns The model. Its `provider` is `"openai"`, or another server's host
 * name. Its `stream()` rejects with an {@linkcode HttpError} where the server
 * refuses, with a {@linkcode StreamError} where it answers with JSON or HTML
 * instead of a stream, with a `TypeError` where the request has no `messages`,
 * and with whatever `fetch` rejects.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { assertEquals } from "@std/assert";
 *
 * const model = openaiModel({
 *   model: "gpt-4o",
 *   // Answers without a network, for the example.
 *   fetch: () =>
 *     Promise.resolve(
 *       new Response(
 *         'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n',
 *       ),
 *     ),
 * });
 *
 * let answer = "";
 * const request = { messages: [{ role: "user", content: "Hello!" }] };
 * for await (const chunk of await fallbackStream([model], request)) {
 *   answer += chunk.choices[0]?.delta?.content ?? "";
 * }
 * assertEquals(answer, "Hi");
 * ```
 *
 * @throws {TypeError} If an option is missing or of the wrong kind.
 * @throws {TypeError} If `baseURL` holds a password, or is not http or https.
 */
export function openaiModel(
  options: OpenAIModelOptions,
): Model<ChatRequest, ChatChunk> {
  assertObject("options", options);
  const { model, baseURL = "https://api.openai.com/v1", name = model } =
    options;
  expectText("model", model);
  expectText("name", name);
  const url = endpoint(baseURL);
  const { headers, redact } = readHeaders(options);
  const send = options.fetch;
  assertArgument(
    send === undefined || typeof send === "function",
    "fetch",
    "be a function",
    describeSafely(send),
  );
  return {
    name,
    provider: url.hostname === "api.openai.com" ? "openai" : url.hostname,
    isContent,
    isFinal,
    async stream(
      request: ChatRequest,
      { signal, stack }: ModelContext,
    ): Promise<AsyncIterable<ChatChunk>> {
      assertArgument(
        Array.isArray(Object(request).messages),
        "request.messages",
        "be an array",
        describeSafely(Object(request).messages),
      );
      // Called as a plain function: a browser's own refuses any other `this`.
      const fetch = send ?? globalThis.fetch;
      const response = await fetch(url.href, {
        method: "POST",
        headers: new Headers(headers),
        body: JSON.stringify({ ...request, model, stream: true }),
        signal,
      });
      const type = response.headers.get("content-type") ?? "";
      if (!response.ok || WHOLE.test(type)) {
        throw await toHttpError(response, type, redact);
      }
      const reader = (response.body ?? new Blob([]).stream()).getReader();
      // A generator that is closed before its first pull closes nothing.
      stack.defer(() => reader.cancel());
      // Deno's fetch may lose its signal to the garbage collector.
      signal.addEventListener("abort", () => {
        reader.cancel(signal.reason).catch(() => {});
      }, { once: true });
      return readChunks(reader, redact, signal);
    },
  };
}

/** The error for an answer that is no stream. */
async function toHttpError(
  response: Response,
  type: string,
  redact: Redact,
): Promise<Error> {
  const body = redact(await readText(response.body, MOST_BYTES, PATIENCE_MS));
  if (response.ok) return notAStreamError(redact(type), body);
  const headers = new Headers();
  for (const [name, value] of response.headers) {
    headers.append(name, redact(value));
  }
  const statusText = redact(response.statusText);
  return new HttpError(response.status, { statusText, headers, body });
}

function endpoint(baseURL: string): URL {
  expectText("baseURL", baseURL);
  const url = URL.parse(baseURL);
  assertArgument(
    url !== null && /^https?:$/.test(url.protocol),
    "baseURL",
    "be an http or https URL",
    describeSafely(baseURL.replace(/\/\/.*@/s, "//***@")),
  );
  if (url.username || url.password) {
    throw new TypeError("'baseURL' must not hold a password");
  }
  url.pathname = url.pathname.replace(/\/*$/, "/chat/completions");
  url.hash = "";
  return url;
}

/** Both the key and the headers are secret: what is wrong is said without them. */
function readHeaders(
  { apiKey, headers: own }: OpenAIModelOptions,
): { headers: Headers; redact: Redact } {
  const headers = new Headers({
    "accept": "text/event-stream",
    "content-type": "application/json",
  });
  const secrets: string[] = [];
  if (apiKey !== undefined) {
    // Read from a file, a key brings a line end.
    const key = typeof apiKey === "string" ? apiKey.trim() : "";
    if (key === "") {
      throw new TypeError(
        `'apiKey' must be a string that is not empty: current value is of type ${typeof apiKey}`,
      );
    }
    secrets.push(key);
    try {
      headers.set("authorization", `Bearer ${key}`);
    } catch {
      throw new TypeError(
        "'apiKey' must hold only what a header can carry",
      );
    }
  }
  try {
    for (const [name, value] of new Headers(own)) {
      headers.set(name, value);
      if (/auth|key|token|secret/i.test(name)) {
        secrets.push(value.replace(/^\S+\s+/, ""));
      }
    }
  } catch {
    throw new TypeError(
      `'headers' must be header names with values: current value is of type ${typeof own}`,
    );
  }
  return { headers, redact: redactor(secrets) };
}

function expectText(name: string, value: unknown): void {
  const isText = typeof value === "string" && value.trim() !== "";
  assertArgument(
    isText,
    name,
    "be a string that is not empty",
    describeSafely(value),
  );
}

/** A value as it may be shown: an object may hold a key. */
function describeSafely(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  const isSimple = Object(value) !== value && typeof value !== "symbol";
  return isSimple ? String(value) : `of type ${typeof value}`;
}
