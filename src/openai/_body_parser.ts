// From the bytes of a body to the objects in it, synchronously: from server-sent
// events, from lines of JSON, or from one whole JSON.

import { isErrorStatus } from "../_shared/http_status.ts";
import { parseJson } from "../_shared/safe_access.ts";
import { isObject } from "./_complete_chunk.ts";
import { EventParser } from "./_event_parser.ts";
import { errorIn } from "./_provider_error.ts";
import { isAnswer, MAX_ERROR_LENGTH, StrayLines } from "./_stray_lines.ts";
import type { StreamFailures } from "./_stream_failures.ts";

const STREAMING = { stream: true } as const;

/** Receives what is found in a body, in order. */
export interface BodyHandler {
  /** Nothing that is found any more counts. */
  readonly hasEnded: boolean;
  /** There was a chunk. */
  readonly hasChunks: boolean;
  /**
   * An object was found: a chunk, a whole answer, or an error.
   *
   * @param text What it was parsed from.
   * @param isBare It was not the data of an event.
   */
  onObject(value: object, text: string, isBare: boolean): void;
  /** `[DONE]` was found. */
  onDone(): void;
  /** The body is no answer, or says that it failed. */
  onFailure(error: unknown): void;
}

/** Parses one body. */
export class BodyParser {
  readonly #handler: BodyHandler;
  readonly #failures: StreamFailures;
  readonly #maxEventBytes: number;
  readonly #decoder = new TextDecoder();
  readonly #events = new EventParser(this);
  readonly #stray = new StrayLines();
  /** The body has ended, so an event may be incomplete. */
  #isLast = false;

  constructor(
    handler: BodyHandler,
    failures: StreamFailures,
    maxEventBytes: number,
  ) {
    this.#handler = handler;
    this.#failures = failures;
    this.#maxEventBytes = maxEventBytes;
  }

  /** Whether what has arrived looks like a whole answer in JSON or HTML. */
  get holdsAnswer(): boolean {
    return isAnswer(this.#events.unfinishedStart) ||
      (!this.#handler.hasChunks && this.#stray.isAnswer);
  }

  /** What has arrived beside events. */
  get strayText(): string {
    return `${this.#stray.text}\n${this.#events.unfinishedLine}`.trim();
  }

  /** A packet has arrived. */
  feed(bytes: Uint8Array): void {
    this.#events.feed(this.#decoder.decode(bytes, STREAMING));
    const held = this.#events.heldLength + this.#stray.length;
    if (held > this.#maxEventBytes) return this.#failTooLong();
    // A page for a browser becomes no answer, however long it is.
    if (held > MAX_ERROR_LENGTH && this.#isPage) this.#failAsPage();
  }

  /** The body has ended, or broken: parses what arrived without a line end. */
  end(): void {
    this.#isLast = true;
    this.#events.feed(this.#decoder.decode());
    this.#events.end();
    this.#parseStray();
  }

  /** Nothing has arrived for a while, so what has arrived may be all. */
  parseHeld(): void {
    if (this.#isPage) return this.#failAsPage();
    const text = this.strayText;
    const value = parseJson(text);
    // The end of the line may still come, and must not find it again.
    if (value !== undefined && this.#onBareValue(value, text)) {
      this.#events.dropUnfinishedLine();
    }
  }

  onEvent(data: string, name: string): void {
    if (this.#handler.hasEnded) return;
    if (this.#stray.isWorthParsing) this.#parseStray();
    // Of blank lines there may be many, and to fail at parsing takes long.
    if (data === "" && name === "") return;
    const max = this.#maxEventBytes;
    // A character has at most three bytes.
    if (data.length * 3 > max && byteLength(data) > max) {
      return this.#failTooLong();
    }
    if (name !== "" && isErrorName(name)) return this.#failWith(data);
    if (data === "[DONE]") return this.#handler.onDone();
    const value = parseJson(data);
    if (value === undefined) return this.#onText(data, name);
    if (isObject(value)) return this.#handler.onObject(value, data, false);
    this.#onNoObject(value, data, name);
  }

  /** An event whose data are not JSON. */
  #onText(data: string, name: string): void {
    const text = data.trim();
    if (text === "") return this.#onOtherValue(name);
    if (isDone(text)) return this.#handler.onDone();
    // There may be one line end between events, in place of two.
    const lines = text.split("\n");
    if (lines.length > 1 && isJsonOrDone(lines[0]!.trim())) {
      for (const line of lines) this.onEvent(line, name);
      return;
    }
    if (this.#isLast || isNamed(name)) return;
    this.#handler.onFailure(this.#failures.noChunk(data));
  }

  /** An event whose data are JSON, but not an object. */
  #onNoObject(value: unknown, data: string, name: string): void {
    if (isDone(value)) return this.#handler.onDone();
    if (Array.isArray(value) && value.some(isObject)) {
      for (const each of value.filter(isObject)) {
        this.#handler.onObject(each, data, false);
      }
      return;
    }
    // The time of a ping, for instance.
    if (isNamed(name)) return;
    this.#handler.onFailure(this.#failures.noChunk(data));
  }

  /** A line of JSON between events, a comment, or a field of any other name. */
  onLine(line: string): void {
    if (this.#handler.hasEnded) return;
    if (line.startsWith(":")) return this.#onComment(line);
    if (isAnswer(line)) {
      // An indented line is part of something longer.
      const isPart = this.#stray.length > 0 && /^\s/.test(line);
      const value = isPart ? undefined : parseJson(line);
      if (value !== undefined) return void this.#onBareValue(value, line);
    } else if (/^\w+:/.test(line)) {
      this.#onField(line);
      if (/^(?:id|retry):/.test(line)) return;
    }
    const isText = !this.#stray.isAnswer && !isAnswer(line);
    if (isText && this.#handler.hasChunks) return;
    this.#stray.add(line);
    // The last line of JSON that is indented.
    if (/^[}\]]/.test(line) && this.#stray.isWorthParsing) this.#parseStray();
  }

  #onComment(line: string): void {
    const status = Number(/^:\s*HTTP_STATUS\/(\d{3})/.exec(line)?.[1]);
    if (isErrorStatus(status)) this.#failures.commentStatus = status;
    this.#onOtherValue(line.slice(1));
  }

  /** A field that is neither `data` nor `event`: `error`, `id`, `retry`, … */
  #onField(line: string): void {
    const colon = line.indexOf(":");
    const value = line.slice(colon + 1).trim();
    if (isErrorName(line.slice(0, colon))) return this.#failWith(value);
    this.#onOtherValue(value);
  }

  /** What stands where JSON has no place, but may be an error. */
  #onOtherValue(value: string): void {
    if (!value.includes("{")) return;
    if (errorIn(parseJson(value)) !== undefined) this.#failWith(value);
  }

  /** Lines of JSON may have become complete. */
  #parseStray(): void {
    const { text } = this.#stray;
    const value = parseJson(text);
    if (value !== undefined) this.#onBareValue(value, text);
  }

  /**
   * JSON that is not the data of an event: an error, a chunk, or an answer.
   *
   * @returns Whether it is one of these.
   */
  #onBareValue(value: unknown, text: string): boolean {
    const values = Array.isArray(value) ? value : [value];
    const known = values.filter(isObject).filter((each) =>
      Array.isArray((each as { choices?: unknown }).choices) ||
      errorIn(each) !== undefined
    );
    if (known.length > 0) this.#stray.clear();
    else if (this.#stray.length === 0) this.#stray.add(text);
    for (const each of known) this.#handler.onObject(each, text, true);
    return known.length > 0;
  }

  /** Whether a page for a browser has arrived. To join all of it would take long. */
  get #isPage(): boolean {
    return /^\s*</.test(this.#stray.start + this.#events.unfinishedStart);
  }

  #failAsPage(): void {
    this.#handler.onFailure(this.#failures.noStream(this.strayText));
  }

  #failWith(data: string): void {
    this.#handler.onFailure(this.#failures.fromData(data));
  }

  #failTooLong(): void {
    this.#handler.onFailure(this.#failures.tooLong(this.#maxEventBytes));
  }
}

/** Whether an event has a name of its own, and so need not be a chunk. */
function isNamed(name: string): boolean {
  return name !== "" && name !== "message";
}

/** Whether an event or a field is named as an error. */
function isErrorName(name: string): boolean {
  return /(?:^|[^a-z])(?:error|exception)$/i.test(name);
}

function isDone(text: unknown): boolean {
  return typeof text === "string" && text.toUpperCase() === "[DONE]";
}

function isJsonOrDone(text: string): boolean {
  return isDone(text) || parseJson(text) !== undefined;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
