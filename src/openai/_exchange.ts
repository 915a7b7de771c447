// One request to a server, until there is a stream of chunks or a refusal. Two
// refusals are not the caller's business: they ask for another form of the same
// request, which is sent at once, and the model remembers it.

import { assertArgument } from "../_shared/arguments.ts";
import { ignoreRejection } from "../_shared/ignore_errors.ts";
import type { ModelContext } from "../types/model.ts";
import { isAzure } from "./_base_url.ts";
import type { ChatRequest } from "./_chat.ts";
import { ChunkParser } from "./_chunk_parser.ts";
import { ChunkStream } from "./_chunk_stream.ts";
import { toConnectionError, toSafeError } from "./_connection_error.ts";
import { copyHeaders, type HeadersOption, secretsIn } from "./_headers.ts";
import { readText } from "./_read_text.ts";
import { Redactor } from "./_redact.ts";
import {
  askToContinue,
  type Continuation,
  isPrefill,
} from "./continue_text.ts";
import { HttpError } from "./http_error.ts";

/** How much of a refusal is read, in bytes. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** How long reading it may take, in milliseconds: it is a failure anyway. */
const MAX_REFUSAL_MS = 1000;

/** A server, and what is known about it. */
export interface Server {
  readonly model: string;
  readonly url: URL;
  readonly apiKey: string | undefined;
  readonly headers: HeadersOption | undefined;
  /** Secrets besides those in the headers. */
  readonly secrets: readonly string[];
  readonly fetch:
    | ((url: string, init: RequestInit) => Promise<Response>)
    | undefined;
  readonly maxEventBytes: number;
  /** Whether usage is asked for. Changes when the server refuses that. */
  streamOptions: boolean;
  /** How an answer is continued. Changes when the server refuses a prefill. */
  continuation: Continuation;
}

/** Sends a request, and if need be its other forms, and opens the stream. */
export async function openStream(
  server: Server,
  request: ChatRequest,
  { signal, stack, model }: ModelContext,
): Promise<ChunkStream> {
  const { headers, redactor } = await prepareHeaders(server);
  const response = await send(server, request, headers, redactor, signal);
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  // A body that broke rejects with what reading it has thrown already.
  stack.defer(() => reader.cancel().catch(() => {}));
  const parser = new ChunkParser({
    model,
    choices: choicesOf(request),
    maxEventBytes: server.maxEventBytes,
    redactor,
    contentType: response.headers.get("content-type") ?? "",
  });
  return new ChunkStream(
    reader,
    parser,
    signal,
    (error) => toSafeError(error, redactor),
  );
}

/** The request's `n`. */
function choicesOf(request: ChatRequest): number {
  const { n } = request as { n?: unknown };
  return typeof n === "number" && n > 1 ? n : 1;
}

/** The headers of one request. The caller's own win. */
async function prepareHeaders(
  { apiKey, headers: own, secrets, url }: Server,
): Promise<{ headers: Headers; redactor: Redactor }> {
  const headers = new Headers({
    "accept": "text/event-stream, application/json",
    "content-type": "application/json",
  });
  if (apiKey !== undefined) {
    // A token of Microsoft Entra is no key.
    const isKey = isAzure(url) && !apiKey.startsWith("eyJ");
    if (isKey) headers.set("api-key", apiKey);
    else headers.set("authorization", `Bearer ${apiKey}`);
  }
  const given = typeof own === "function" ? await own() : own;
  const parsed = copyHeaders(given);
  for (const [name, value] of parsed) headers.set(name, value);
  const hidden = [...secrets, ...secretsIn(parsed)];
  if (apiKey !== undefined) hidden.push(apiKey);
  return { headers, redactor: new Redactor(hidden) };
}

/** Sends a request in the forms that the server accepts. */
async function send(
  server: Server,
  request: ChatRequest,
  headers: Headers,
  redactor: Redactor,
  signal: AbortSignal,
): Promise<Response> {
  const canAsk = isPrefill(request);
  let asks = canAsk && server.continuation === "ask";
  for (;;) {
    const { streamOptions } = server;
    const form = asks ? askToContinue(request) : request;
    const body = bodyOf(server, form);
    const response = await fetchOnce(server, body, headers, redactor, signal);
    if (response.ok) {
      // Only now is it known that this form is accepted.
      if (asks) server.continuation = "ask";
      return response;
    }
    const error = await toHttpError(response, server.url, redactor);
    if (signal.aborted || !isRefusedForm(error)) throw error;
    if (streamOptions && /stream_options|include_usage/.test(error.body)) {
      server.streamOptions = false;
    } else if (canAsk && !asks) {
      asks = true;
    } else {
      throw error;
    }
  }
}

function isRefusedForm({ status }: HttpError): boolean {
  return status === 400 || status === 422;
}

function bodyOf(
  { model, streamOptions }: Server,
  request: ChatRequest,
): string {
  const { stream_options, ...rest } = request as {
    readonly [field: string]: unknown;
  };
  return JSON.stringify({
    ...rest,
    model,
    stream: true,
    ...(streamOptions && {
      stream_options: stream_options ?? { include_usage: true },
    }),
  });
}

async function fetchOnce(
  server: Server,
  body: string,
  headers: Headers,
  redactor: Redactor,
  signal: AbortSignal,
): Promise<Response> {
  // Called as a plain function: a browser's own refuses any other `this`.
  const fetch = server.fetch ?? globalThis.fetch;
  let response: Response;
  try {
    response = await fetch(server.url.href, {
      method: "POST",
      headers: new Headers(headers),
      body,
      signal,
      // The headers and the conversation are for this server only.
      redirect: "manual",
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw toConnectionError(error, redactor);
  }
  // It may come from another realm or package, so that `instanceof` is no test.
  const { status, headers: received } = Object(response);
  const isResponse = typeof status === "number" &&
    typeof Object(received).get === "function";
  if (isResponse) return response;
  throw new TypeError(
    `'options.fetch' must resolve to a Response: current value is of type ${typeof response}`,
  );
}

/** The error for a response that is no stream. */
async function toHttpError(
  response: Response,
  url: URL,
  redactor: Redactor,
): Promise<HttpError> {
  const { status } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    return toRedirectError(response, url, redactor);
  }
  const text = await readText(
    response.body,
    MAX_REFUSAL_BYTES,
    MAX_REFUSAL_MS,
  );
  return new HttpError(status, {
    statusText: redactor.text(response.statusText),
    headers: redactHeaders(response.headers, redactor),
    body: redactor.body(text),
  });
}

/** A redirect is not followed. Browsers do not even show where it goes. */
function toRedirectError(
  response: Response,
  url: URL,
  redactor: Redactor,
): HttpError {
  if (response.body) ignoreRejection(response.body.cancel());
  const location = response.headers.get("location");
  const target = location === null ? null : URL.parse(location, url);
  const headers = redactHeaders(response.headers, redactor);
  headers.delete("location");
  let statusText = redactor.text(response.statusText);
  if (target) {
    const origin = redactor.text(target.origin);
    headers.set("location", origin);
    statusText = `redirects to ${origin}, which is not followed`;
  } else if (response.type === "opaqueredirect") {
    statusText = "the server redirects, which is not followed";
  }
  return new HttpError(response.status, { statusText, headers });
}

function redactHeaders(headers: Headers, redactor: Redactor): Headers {
  const shown = new Headers();
  for (const [name, value] of headers) {
    try {
      shown.append(redactor.text(name), redactor.text(value));
    } catch {
      // Without the secret it may be no header any more.
    }
  }
  return shown;
}

/**
 * Checks a request before anything is sent.
 *
 * @throws {TypeError} If it has no messages.
 */
export function assertRequest(request: unknown): void {
  const { messages } = Object(request);
  assertArgument(
    Array.isArray(messages),
    "request.messages",
    "be an array",
    messages,
  );
}
