/**
 * A model behind a server that speaks the chat-completions protocol.
 *
 * @module
 */

import {
  assertBoolean,
  assertFunction,
  assertOptions,
  type OptionNames,
  parseCount,
} from "../_shared/arguments.ts";
import type { Model } from "../types/model.ts";
import { assertText } from "./_assert_text.ts";
import { endpoint, secretsOf } from "./_base_url.ts";
import type { ChatChunk, ChatRequest } from "./_chat.ts";
import { assertRequest, openStream, type Server } from "./_exchange.ts";
import { copyHeaders, type HeadersOption, parseKey } from "./_headers.ts";
import { assertContinuation, type Continuation } from "./continue_text.ts";
import { isContent } from "./is_content.ts";
import { isFinal } from "./is_final.ts";
import { usage } from "./usage.ts";

const OPTION_NAMES: OptionNames<OpenAIModelOptions> = {
  model: true,
  baseURL: true,
  apiKey: true,
  headers: true,
  fetch: true,
  name: true,
  maxEventBytes: true,
  streamOptions: true,
  continuation: true,
};

const MAX_EVENT_BYTES = 16 * 1024 * 1024;

/** Options of {@linkcode openaiModel}. */
export interface OpenAIModelOptions {
  /** The model, as the server calls it. */
  readonly model: string;
  /**
   * Where the server is: what comes before `/chat/completions`. A query, such
   * as Azure's `?api-version=…`, is kept. Its values are treated as secrets,
   * except that of `api-version`.
   *
   * @default {"https://api.openai.com/v1"}
   */
  readonly baseURL?: string | undefined;
  /**
   * Sent as `authorization: Bearer …`, to a server of Azure as `api-key`.
   * Without it, no such header is sent.
   */
  readonly apiKey?: string | undefined;
  /**
   * Further headers, which win over those that are sent by default. A function
   * is called for each request, so that tokens can expire.
   */
  readonly headers?: HeadersOption | undefined;
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
  /**
   * The longest event of a stream, in bytes. A longer one fails the stream, and
   * no more than about that much is buffered. An image is one event of some MiB.
   *
   * @default {16_777_216}
   */
  readonly maxEventBytes?: number | undefined;
  /**
   * Whether to ask for usage, with `stream_options: { include_usage: true }` or
   * the request's own `stream_options`. `false` never sends that field. A server
   * that refuses it with 400 or 422 is asked again without it, at once, and the
   * model remembers.
   *
   * @default {true}
   */
  readonly streamOptions?: boolean | undefined;
  /**
   * How this model is made to continue the text of another one, for requests
   * that end with an assistant's turn. If the server refuses a `"prefill"` with
   * 400 or 422, it is asked again in the other form, at once, and the model
   * remembers.
   *
   * @default {"prefill"}
   */
  readonly continuation?: Continuation | undefined;
}

/** A model made by {@linkcode openaiModel}. */
export interface OpenAIModel extends Model<ChatRequest, ChatChunk> {
  /** What the server calls the model. */
  readonly modelId: string;
  /** `"openai"`, or the host name of another server. */
  readonly provider: string;
  /** How this model is made to continue a text, as far as is known by now. */
  readonly continuation: Continuation;
  /** {@linkcode isContent} */
  readonly isContent: typeof isContent;
  /** {@linkcode isFinal} */
  readonly isFinal: typeof isFinal;
  /** {@linkcode usage} */
  readonly usage: typeof usage;
}

/**
 * Makes a model from a server that speaks the OpenAI chat-completions stream.
 *
 * Its chunks are the server's `chat.completion.chunk` objects, with what the
 * server left out: `choices` is always a list, and a choice with a `message` has
 * it as `delta`. Text, reasoning, a refusal, audio, an image or a call of a tool
 * is content; see {@linkcode isContent}. A `finish_reason` is final unless it
 * means failure; see {@linkcode isFinal}. So is `[DONE]`: where no
 * `finish_reason` came before it, a last chunk without choices stands for it.
 *
 * The first byte of the body that is not white space decides how it is read, and
 * the content type does not. `{` and `[` begin JSON: an error, one whole
 * completion, which becomes one chunk, or a chunk per line. `<` begins a page,
 * which is an error. Anything else is an event stream.
 *
 * After a `finish_reason` for every choice the stream is read on, because usage
 * may follow: until `[DONE]`, its end, an error, or 1000 ms of silence. All of
 * them end a complete answer.
 *
 * The stream reads one network packet at a time, when it is pulled. Aborting
 * `context.signal`, closing the stream, and disposing of `context.stack` each
 * close the connection.
 *
 * Redirects are not followed. Errors show neither the key nor other secrets in
 * headers and query, however the server spells them; answers are not redacted.
 *
 * @param options Which model, and where.
 * @returns The model. Its `stream()` rejects with an {@linkcode HttpError} if
 * the server refuses the request or redirects it, with a `TypeError` if it
 * cannot be reached or the request has no `messages`, and with what `headers`
 * or a `fetch` of the caller throws. Its stream fails with a
 * {@linkcode StreamError} if the server sends an error or no chat completion.
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
 * @throws {TypeError} If an option is missing, unknown, or of the wrong kind.
 * @throws {TypeError} If `baseURL` holds a password, or is not http or https.
 * @throws {RangeError} If `maxEventBytes` is not a positive integer.
 */
export function openaiModel(options: OpenAIModelOptions): OpenAIModel {
  const { name, server } = parseOptions(options);
  return {
    name,
    modelId: server.model,
    provider: providerOf(server.url),
    get continuation() {
      return server.continuation;
    },
    isContent,
    isFinal,
    usage,
    async stream(request, context) {
      assertRequest(request);
      return await openStream(server, request, context);
    },
  };
}

/** The host of the server, with its port unless that is 443. */
function providerOf({ hostname, port, protocol }: URL): string {
  if (hostname === "api.openai.com") return "openai";
  const number = port || (protocol === "http:" ? "80" : "443");
  return number === "443" ? hostname : `${hostname}:${number}`;
}

function parseOptions(
  options: OpenAIModelOptions,
): { name: string; server: Server } {
  assertNames(options);
  const {
    model,
    name = model,
    baseURL = "https://api.openai.com/v1",
    apiKey,
    headers,
    fetch,
    maxEventBytes = MAX_EVENT_BYTES,
    streamOptions = true,
    continuation = "prefill",
  } = options;
  assertText("options.model", model);
  assertText("options.name", name);
  const key = apiKey === undefined ? undefined : parseKey(apiKey);
  const url = endpoint(baseURL);
  assertFunction("options.fetch", fetch);
  parseCount("options.maxEventBytes", maxEventBytes);
  assertBoolean("options.streamOptions", streamOptions);
  assertContinuation("options.continuation", continuation);
  const server: Server = {
    model,
    url,
    apiKey: key,
    headers: typeof headers === "function"
      ? headers
      // A copy, so that later changes have no effect.
      : copyHeaders(headers),
    secrets: secretsOf(url),
    fetch,
    maxEventBytes,
    streamOptions,
    continuation,
  };
  return { name, server };
}

function assertNames(options: OpenAIModelOptions): void {
  if (Object.hasOwn(Object(options), "baseUrl")) {
    throw new TypeError(
      "'options.baseUrl' is not an option: did you mean 'baseURL'?",
    );
  }
  assertOptions("options", options, OPTION_NAMES);
}
