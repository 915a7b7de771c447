// From the packets of a body to chunks, synchronously. It knows which chunks
// have arrived and how the stream has ended; it waits for nothing.

import { oneLine } from "../_shared/error_text.ts";
import { isErrorStatus } from "../_shared/http_status.ts";
import { parseJson } from "../_shared/safe_access.ts";
import { TruncatedStreamError } from "../errors.ts";
import { type ChatChunk, DONE } from "./_chat.ts";
import { EventParser } from "./_event_parser.ts";
import { finishFailure, finishWord, isFiltered } from "./_finish_reason.ts";
import { errorIn, readError } from "./_provider_error.ts";
import type { Redactor } from "./_redact.ts";
import { isContent } from "./is_content.ts";
import { StreamError } from "./stream_error.ts";

/** How much of what makes no sense is shown, in characters. */
const MAX_EXCERPT_LENGTH = 80;

/** How much of an error is looked at, in characters. */
const MAX_ERROR_LENGTH = 64 * 1024;

const STREAMING = { stream: true } as const;

/** What a {@linkcode ChunkParser} has to know about the request. */
export interface ChunkParserOptions {
  /** The name of the model, for errors. */
  readonly model: string;
  /** How many choices were asked for. */
  readonly choices: number;
  /** The longest event, in bytes. */
  readonly maxEventBytes: number;
  /** Removes secrets from what goes into errors. */
  readonly redactor: Redactor;
  /** The content type of the response, for errors. */
  readonly contentType: string;
}

/** A chunk that is still being completed: what servers leave out is added. */
interface DraftChoice {
  index?: unknown;
  delta?: { content?: unknown } | null;
  message?: { content?: unknown; tool_calls?: unknown } | null;
  text?: unknown;
  finish_reason?: unknown;
}

/** Parses one answer: server-sent events, lines of JSON, or one whole JSON. */
export class ChunkParser {
  readonly #options: ChunkParserOptions;
  readonly #decoder = new TextDecoder();
  readonly #events = new EventParser(this);
  /** Chunks that have arrived, from `#next` on. */
  #chunks: ChatChunk[] = [];
  #next = 0;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;
  /** There was an event with a chunk. */
  #hasEvents = false;
  #hasContent = false;
  /** Choices that have begun, and whether they have finished. */
  readonly #finished = new Map<number, boolean>();
  #unfinished = 0;
  #finishReason = "";
  readonly #stray = new StrayLines();
  /** A status that a comment told, as DashScope does. */
  #commentStatus: number | undefined;
  /** The body has ended, so an event may be incomplete. */
  #isLast = false;

  constructor(options: ChunkParserOptions) {
    this.#options = options;
  }

  /** Whether the answer has ended, though there may be chunks left to take. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Why the answer failed. It counts once the chunks before it are taken. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The first `finish_reason`; empty if there was none. */
  get finishReason(): string {
    return this.#finishReason;
  }

  /**
   * Whether silence means something now: all choices have finished, or what has
   * arrived looks like a whole answer in JSON or HTML.
   */
  get awaitsEnd(): boolean {
    return this.#isComplete || isAnswer(this.#events.unfinishedStart) ||
      (!this.#hasEvents && this.#stray.isAnswer);
  }

  /** The next chunk that has arrived. */
  take(): ChatChunk | undefined {
    if (this.#next === this.#chunks.length) return undefined;
    const chunk = this.#chunks[this.#next++]!;
    if (this.#next === this.#chunks.length) {
      this.#chunks = [];
      this.#next = 0;
    }
    return chunk;
  }

  /** A packet has arrived. */
  feed(bytes: Uint8Array): void {
    this.#events.feed(this.#decoder.decode(bytes, STREAMING));
    const held = this.#events.heldLength + this.#stray.length;
    if (held > this.#options.maxEventBytes) return this.#failTooLong();
    // A page for a browser becomes no answer, however long it is.
    if (held > MAX_ERROR_LENGTH && this.awaitsEnd) {
      const text = this.#wholeAnswer;
      if (text.startsWith("<")) this.#fail(this.#notAStream(text));
    }
  }

  /** The body has ended by itself. */
  end(): void {
    this.#flush();
    if (this.#hasEnded) return;
    if (this.#unfinished > 0 && this.#unfinished < this.#finished.size) {
      return this.#fail(new TruncatedStreamError(this.#options.model));
    }
    if (!this.#hasEvents && this.#stray.text.trim() !== "") {
      return this.#fail(this.#notAStream(this.#stray.text));
    }
    if (this.#commentStatus !== undefined && this.#finished.size === 0) {
      return this.#fail(this.#providerError("", "the server failed"));
    }
    this.#complete();
  }

  /** Reading the body has failed. An answer that was whole by then stays so. */
  break(error: unknown): void {
    this.#flush();
    this.#fail(error);
  }

  /** Nothing has arrived for a while: what is complete ends here. */
  onSilence(): void {
    if (this.#hasEnded) return;
    if (this.#isComplete) return this.#complete();
    const text = this.#wholeAnswer;
    if (text.startsWith("<")) return this.#fail(this.#notAStream(text));
    const value = parseJson(text);
    if (value !== undefined) this.#onBareValue(value, text);
  }

  /** Parses what has arrived without a line end. */
  #flush(): void {
    if (this.#hasEnded) return;
    this.#isLast = true;
    this.#events.feed(this.#decoder.decode());
    this.#events.end();
    if (!this.#hasEnded) this.#parseStray();
  }

  get #isComplete(): boolean {
    return this.#unfinished === 0 &&
      this.#finished.size >= this.#options.choices;
  }

  /** What has arrived beside events. */
  get #wholeAnswer(): string {
    return (this.#stray.text + this.#events.unfinishedLine).trim();
  }

  onEvent(data: string, name: string): void {
    if (this.#hasEnded) return;
    if (this.#stray.isWorthParsing) this.#parseStray();
    const { maxEventBytes } = this.#options;
    if (
      data.length * 3 > maxEventBytes && byteLength(data) > maxEventBytes
    ) return this.#failTooLong();
    if (name !== "" && isErrorName(name)) {
      return this.#fail(this.#providerError(data, "the server sent an error"));
    }
    const value = parseJson(data);
    if (value === undefined) return this.#onText(data, name);
    if (Array.isArray(value) || typeof value !== "object" || value === null) {
      return this.#onNoObject(value, data, name);
    }
    this.#onAnswer(value, data, false);
  }

  /** An event whose data are not JSON. */
  #onText(data: string, name: string): void {
    const text = data.trim();
    if (text === "") return this.#onFieldValue(name);
    if (isDone(text)) return this.#onDone();
    // One line end in place of two between events.
    const lines = text.includes("\n") ? text.split("\n") : [];
    if (lines.length > 0 && isJsonOrDone(lines[0]!.trim())) {
      for (const line of lines) this.onEvent(line, name);
      return;
    }
    if (this.#isLast || (name !== "" && name !== "message")) return;
    this.#fail(this.#noChunkError(data));
  }

  /** An event whose data are JSON, but not an object. */
  #onNoObject(value: unknown, data: string, name: string): void {
    if (isDone(value)) return this.#onDone();
    if (Array.isArray(value) && value.some(isObject)) {
      for (const each of value) {
        if (isObject(each) && !this.#hasEnded) {
          this.#onAnswer(each, data, false);
        }
      }
      return;
    }
    // The time of a ping, for instance.
    if (name !== "" && name !== "message") return;
    this.#fail(this.#noChunkError(data));
  }

  /** A line of JSON between events, a comment, or a field of any other name. */
  onLine(line: string): void {
    if (this.#hasEnded) return;
    if (line.startsWith(":")) return this.#onComment(line);
    if (isAnswer(line)) {
      // An indented line is part of something longer.
      const isPart = this.#stray.length > 0 && /^\s/.test(line);
      const value = isPart ? undefined : parseJson(line);
      if (value !== undefined) return this.#onBareValue(value, line);
    } else if (/^\w+:/.test(line)) {
      this.#onField(line);
      if (this.#hasEnded || /^(?:id|retry):/.test(line)) return;
    }
    if (this.#hasEvents && !this.#stray.isAnswer && !isAnswer(line)) return;
    this.#stray.add(line);
    // The last line of JSON that is indented.
    if (/^[}\]]/.test(line) && this.#stray.isWorthParsing) this.#parseStray();
  }

  onBlankLine(): void {
    if (!this.#hasEnded && this.#stray.isWorthParsing) this.#parseStray();
  }

  #onComment(line: string): void {
    const status = Number(/^:\s*HTTP_STATUS\/(\d{3})/.exec(line)?.[1]);
    if (isErrorStatus(status)) this.#commentStatus = status;
    this.#onFieldValue(line.slice(1));
  }

  /** A field that is neither `data` nor `event`: `error`, `id`, `retry`, … */
  #onField(line: string): void {
    const [name, value] = splitField(line);
    if (isErrorName(name)) {
      return this.#fail(this.#providerError(value, "the server sent an error"));
    }
    this.#onFieldValue(value);
  }

  /** What stands in a field that has no place for JSON, but may be an error. */
  #onFieldValue(value: string): void {
    if (!value.includes("{")) return;
    const error = errorIn(parseJson(value));
    if (error !== undefined) this.#fail(this.#providerError(value, ""));
  }

  /** Lines of JSON may have become complete. */
  #parseStray(): void {
    const { text } = this.#stray;
    if (!isAnswer(text)) return;
    const value = parseJson(text);
    if (value !== undefined) this.#onBareValue(value, text);
  }

  /** JSON that is not the data of an event: an error, a chunk, or an answer. */
  #onBareValue(value: unknown, text: string): void {
    const values = Array.isArray(value) ? value : [value];
    let isKnown = false;
    for (const each of values) {
      if (this.#hasEnded) return;
      if (!isObject(each)) continue;
      const hasChoices = Array.isArray((each as { choices?: unknown }).choices);
      if (!hasChoices && errorIn(each) === undefined) continue;
      isKnown = true;
      this.#onAnswer(each, text, true);
    }
    if (isKnown) this.#stray.clear();
    else if (this.#stray.length === 0) this.#stray.add(text);
  }

  /** An object: a chunk, a whole answer, or an error. */
  #onAnswer(value: object, text: string, isBare: boolean): void {
    const error = errorIn(value);
    if (error !== undefined && this.#isComplete) return this.#complete();
    const chunk = withChoices(value);
    let isWhole = isBare && chunk.object === "chat.completion";
    let failed: string | undefined;
    for (const choice of chunk.choices as readonly DraftChoice[]) {
      if (choice.delta === undefined || choice.delta === null) {
        isWhole = addDelta(choice) && isBare || isWhole;
      }
      const { delta } = choice;
      const content = delta?.content;
      if (typeof content === "number" || typeof content === "boolean") {
        delta!.content = String(content);
      }
      const index = typeof choice.index === "number" ? choice.index : 0;
      const word = choice.finish_reason ? finishWord(choice.finish_reason) : "";
      this.#track(index, word !== "");
      if (word === "") continue;
      this.#finishReason ||= word;
      if (finishFailure(word)) failed = word;
    }
    if (isWhole) (chunk as { object: string }).object = "chat.completion.chunk";
    if (!this.#hasContent) this.#hasContent = isContent(chunk);
    // An error is looked for after the content that came with it.
    if (error === undefined || failed !== undefined || isContent(chunk)) {
      this.#hasEvents = true;
      this.#chunks.push(chunk);
    }
    if (error !== undefined) {
      return this.#fail(this.#errorOf(error, text), true);
    }
    if (failed !== undefined) {
      return this.#fail(this.#finishError(failed, chunk), true);
    }
    if (isWhole) this.#onDone();
  }

  #track(index: number, isFinished: boolean): void {
    const before = this.#finished.get(index);
    if (before === isFinished || before === true) return;
    if (before === undefined && !isFinished) this.#unfinished++;
    if (before === false && isFinished) this.#unfinished--;
    this.#finished.set(index, isFinished);
  }

  #onDone(): void {
    const isFinal = this.#finished.size > 0 && this.#unfinished === 0;
    if (!isFinal) this.#chunks.push(DONE);
    this.#complete();
  }

  #complete(): void {
    if (!this.#hasContent && isFiltered(this.#finishReason)) {
      return this.#fail(filterError(this.#finishReason), true);
    }
    this.#hasEnded = true;
  }

  /**
   * Ends the answer with an error. An answer that is complete already stays so,
   * unless the error came with the chunk that ends it.
   */
  #fail(error: unknown, evenIfComplete = false): void {
    if (this.#hasEnded) return;
    if (!evenIfComplete && this.#isComplete) return this.#complete();
    this.#hasEnded = true;
    this.#failure = { error };
  }

  #failTooLong(): void {
    this.#stray.clear();
    this.#fail(
      new StreamError(
        `Cannot read the stream as an event is longer than ${this.#options.maxEventBytes} bytes (maxEventBytes)`,
      ),
    );
  }

  /** The error for data that are an error or the text of one. */
  #providerError(data: string, otherwise: string): StreamError {
    const text = data.slice(0, MAX_ERROR_LENGTH);
    const value = parseJson(data) ?? text.trim();
    return this.#errorOf(errorIn(value) ?? value, text, otherwise);
  }

  #errorOf(error: unknown, text: string, otherwise = ""): StreamError {
    const { redactor } = this.#options;
    const shown = redactor.deep(error);
    const details = readError(shown);
    const status = details.status ?? this.#commentStatus;
    const message = details.summary || this.#excerpt(text) || otherwise;
    return new StreamError(
      status ? `${status} ${message}` : message,
      shown === "" ? undefined : shown,
      { status },
    );
  }

  #finishError(word: string, chunk: ChatChunk): StreamError {
    if (word === "error") {
      return new StreamError("the server ended its answer with an error");
    }
    // SGLang: `{ "type": "abort", "message": …, "status_code": 503 }`
    const reasons = chunk.choices.map((choice) => choice.finish_reason);
    const reason: unknown = reasons.find((each) => finishWord(each) === word);
    const shown = this.#options.redactor.deep(reason);
    const { summary, status } = readError(
      typeof shown === "object" ? shown : undefined,
    );
    const said = summary && summary !== word ? `: ${summary}` : "";
    return new StreamError(
      `the server ended its answer with finish_reason ${
        JSON.stringify(oneLine(this.#options.redactor.text(word), 40))
      }${said}`,
      undefined,
      { status: status ?? finishFailure(word)?.status },
    );
  }

  #noChunkError(data: string): StreamError {
    return new StreamError(
      `Cannot read an event of the stream as it is no JSON object: ${
        this.#excerpt(data)
      }`,
    );
  }

  #notAStream(text: string): StreamError {
    const type = oneLine(
      this.#options.redactor.text(this.#options.contentType),
    );
    const kind = type === "" ? "" : ` (content type '${type}')`;
    return new StreamError(
      `Cannot read the answer${kind} as it is neither an event stream nor a chat completion: ${
        this.#excerpt(text)
      }`,
      undefined,
      { status: this.#commentStatus },
    );
  }

  #excerpt(text: string): string {
    const start = text.slice(0, MAX_ERROR_LENGTH);
    return oneLine(this.#options.redactor.text(start), MAX_EXCERPT_LENGTH);
  }
}

/**
 * The failure of an answer that a filter withheld. The model works and would do
 * the same again, so the status is 400: no retry, and no matter of health.
 */
function filterError(word: string): StreamError {
  return new StreamError(
    `the answer was filtered: it has no content, and finish_reason ${
      JSON.stringify(oneLine(word, 40))
    }`,
    undefined,
    { status: 400, code: "content_filter" },
  );
}

/** Whether a text begins as a whole answer does, and no event stream. */
function isAnswer(text: string): boolean {
  return /^\s*[{[<]/.test(text);
}

/** Lines that are part of no event: JSON over several lines, or any text. */
class StrayLines {
  readonly #lines: string[] = [];
  /** How many characters there were when they were parsed last. */
  #parsedLength = 0;
  /** Their length in characters. */
  length = 0;
  /** They begin as a whole answer does. */
  isAnswer = false;

  get text(): string {
    this.#parsedLength = this.length;
    return this.#lines.join("\n");
  }

  /** Parsing is tried where the text has doubled, so that it stays linear. */
  get isWorthParsing(): boolean {
    return this.isAnswer && this.length >= 2 * this.#parsedLength;
  }

  add(line: string): void {
    if (this.length === 0) this.isAnswer = isAnswer(line);
    // Of what can only become an error, the beginning is enough.
    if (!this.isAnswer && this.length > MAX_ERROR_LENGTH) return;
    this.#lines.push(line);
    this.length += line.length + 1;
  }

  clear(): void {
    this.#lines.length = 0;
    this.#parsedLength = this.length = 0;
    this.isAnswer = false;
  }
}

function isDone(text: unknown): boolean {
  return typeof text === "string" && text.toUpperCase() === "[DONE]";
}

function isJsonOrDone(text: string): boolean {
  return isDone(text) || parseJson(text) !== undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an event or a field is named as an error. */
function isErrorName(name: string): boolean {
  return /(?:^|[^a-z])(?:error|exception)$/i.test(name);
}

function splitField(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

/** The chunk itself, in which callers can rely on there being choices. */
function withChoices(value: object): ChatChunk {
  const chunk: { choices?: unknown; object?: unknown } = value;
  const { choices } = chunk;
  if (!Array.isArray(choices)) {
    chunk.choices = isObject(choices) ? [choices] : [];
  } else if (!choices.every(isObject)) {
    chunk.choices = choices.filter(isObject);
  }
  return chunk as ChatChunk;
}

/**
 * Gives a choice without a `delta` the `message` of a whole answer, or the
 * `text` of the older protocol. Whether there was a message.
 */
function addDelta(choice: DraftChoice): boolean {
  const { message, text } = choice;
  if (!isObject(message)) {
    if (typeof text === "string") choice.delta = { content: text };
    return false;
  }
  const { tool_calls } = message;
  if (Array.isArray(tool_calls)) {
    tool_calls.forEach((call, index) => {
      if (isObject(call) && !("index" in call)) Object.assign(call, { index });
    });
  }
  choice.delta = message;
  delete choice.message;
  return true;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
