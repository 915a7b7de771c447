// From server-sent events to chunks.

import { oneLine } from "../_shared/error_text.ts";
import { type ChatChunk, DONE, isFinal } from "./_chat.ts";
import { errorIn, parseJson, readError } from "./_provider_error.ts";
import type { Redact } from "./_redact.ts";
import { readEvents } from "./_sse.ts";
import { StreamError } from "./stream_error.ts";

/** How much of what makes no sense is shown. */
const LONGEST_EXCERPT = 80;

/**
 * Reads the chunks of a body until `[DONE]` or its end.
 *
 * @param reader Reads the body; it is cancelled when it is left before its end.
 * @param redact Takes secrets out of what goes into errors.
 * @param signal The attempt's, whose reason is thrown once it has aborted.
 * @returns The chunks in order.
 * @throws {StreamError} If the server sends an error, or what is no chunk.
 */
export async function* readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  redact: Redact,
  signal: AbortSignal,
): AsyncGenerator<ChatChunk> {
  let final = false;
  for await (const { event, data } of readEvents(reader)) {
    const text = data.trim();
    if (text === "") continue;
    if (text === "[DONE]") {
      if (!final) yield DONE;
      return;
    }
    const value = parseJson(text);
    if (event === "error" || errorIn(value)) {
      throw providerError(redact(text));
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new StreamError(
        `Cannot read an event of the stream as it is no JSON object: ${
          excerpt(redact(text))
        }`,
      );
    }
    const chunk = withChoices(value);
    final ||= isFinal(chunk);
    yield chunk;
    if (chunk.choices.some(({ finish_reason }) => finish_reason === "error")) {
      throw new StreamError("the server ended its answer with an error");
    }
  }
  // The end may be that of a reader which the abort has cancelled.
  signal.throwIfAborted();
}

/**
 * The error for a whole answer, sent where a stream was asked for.
 *
 * @param type The answer's content type.
 * @param text The answer.
 * @returns The error that it holds, or one that says what it is.
 */
export function notAStreamError(type: string, text: string): StreamError {
  if (errorIn(parseJson(text))) return providerError(text);
  return new StreamError(
    `Cannot read the answer as its content type is '${
      oneLine(type)
    }', not 'text/event-stream': ${excerpt(text)}`,
  );
}

/** The error that a server sent as JSON, or else as a text. */
function providerError(text: string): StreamError {
  const value = parseJson(text) ?? text;
  const error = errorIn(value) ?? value;
  const { status, summary } = readError(error);
  const message = summary || excerpt(text);
  return new StreamError(status ? `${status} ${message}` : message, error);
}

function excerpt(text: string): string {
  return oneLine(text, LONGEST_EXCERPT);
}

/** The chunk itself, in which callers can rely on there being choices. */
function withChoices(value: object): ChatChunk {
  const chunk: { choices?: unknown } = value;
  if (!Array.isArray(chunk.choices)) chunk.choices = [];
  return chunk as ChatChunk;
}
