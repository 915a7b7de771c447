// From the packets of a body to chunks, synchronously. It knows which chunks
// have arrived and how the answer has ended; it waits for nothing.

import { TruncatedStreamError } from "../errors.ts";
import { type BodyHandler, BodyParser } from "./_body_parser.ts";
import { type ChatChunk, DONE } from "./_chat.ts";
import {
  completeChunk,
  type DraftChoice,
  markAsChunk,
} from "./_complete_chunk.ts";
import {
  finishFailure,
  finishReasonText,
  isFiltered,
} from "./_finish_reason.ts";
import { errorIn } from "./_provider_error.ts";
import type { Redactor } from "./_redact.ts";
import { StreamFailures } from "./_stream_failures.ts";
import { isContent } from "./is_content.ts";

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

/** Parses one answer. */
export class ChunkParser implements BodyHandler {
  readonly #options: ChunkParserOptions;
  readonly #failures: StreamFailures;
  readonly #body: BodyParser;
  /** Chunks that have arrived, from `#next` on. */
  #chunks: ChatChunk[] = [];
  #next = 0;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #hasChunks = false;
  #hasContent = false;
  /** The choices that have begun, and whether they have finished. */
  readonly #choices = new Map<number, boolean>();
  #unfinished = 0;
  #finishReason = "";
  #responseModel: string | undefined;

  constructor(options: ChunkParserOptions) {
    const { redactor, contentType, maxEventBytes } = options;
    this.#options = options;
    this.#failures = new StreamFailures(redactor, contentType);
    this.#body = new BodyParser(this, this.#failures, maxEventBytes);
  }

  /** Whether the answer has ended, though there may be chunks left to take. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Why the answer failed. It counts once the chunks before it are taken. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** What the server calls the model. */
  get responseModel(): string | undefined {
    return this.#responseModel;
  }

  /** The first `finish_reason`; empty if there was none. */
  get finishReason(): string {
    return this.#finishReason;
  }

  get hasChunks(): boolean {
    return this.#hasChunks;
  }

  /** Whether silence would mean that nothing more comes. */
  get awaitsEnd(): boolean {
    return this.#isComplete || this.#body.holdsAnswer;
  }

  /** Whether all choices have finished. */
  get #isComplete(): boolean {
    return this.#unfinished === 0 &&
      this.#choices.size >= this.#options.choices;
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
    this.#body.feed(bytes);
  }

  /** The body has ended by itself. */
  end(): void {
    this.#body.end();
    if (this.#hasEnded) return;
    if (this.#unfinished > 0 && this.#unfinished < this.#choices.size) {
      return this.onFailure(new TruncatedStreamError(this.#options.model));
    }
    const { strayText } = this.#body;
    if (!this.#hasChunks && strayText !== "") {
      return this.onFailure(this.#failures.noStream(strayText));
    }
    if (this.#choices.size === 0 && this.#failures.commentStatus) {
      return this.onFailure(this.#failures.fromData(""));
    }
    this.#complete();
  }

  /** Reading the body has failed. A complete answer stays complete. */
  break(error: unknown): void {
    this.#body.end();
    this.onFailure(error);
  }

  /** Nothing has arrived for a while: what is complete ends here. */
  onSilence(): void {
    if (this.#isComplete) this.#complete();
    else this.#body.parseHeld();
  }

  onObject(value: object, text: string, isBare: boolean): void {
    const error = errorIn(value);
    if (this.#hasEnded) return;
    if (error !== undefined && this.#isComplete) return this.#complete();
    const hasMessage = completeChunk(value);
    const chunk = value as ChatChunk;
    const isWhole = isBare &&
      (hasMessage || chunk.object === "chat.completion");
    if (isWhole) markAsChunk(chunk);
    if (typeof chunk.model === "string") this.#responseModel ??= chunk.model;
    const failedReason = this.#trackChoices(chunk);
    const hasContent = this.#hasContent && error === undefined ||
      isContent(chunk);
    if (hasContent) this.#hasContent = true;
    // Content that came with an error is delivered before it.
    if (error === undefined || failedReason !== undefined || hasContent) {
      this.#hasChunks = true;
      this.#chunks.push(chunk);
    }
    if (error !== undefined) {
      this.#fail(this.#failures.fromError(error, value, text));
    } else if (failedReason !== undefined) {
      this.#fail(this.#failures.fromFinish(failedReason, chunk));
    } else if (isWhole) {
      this.onDone();
    }
  }

  /** @returns The `finish_reason` that means failure, if there is one. */
  #trackChoices(chunk: ChatChunk): string | undefined {
    let failed: string | undefined;
    for (const choice of chunk.choices as readonly DraftChoice[]) {
      const index = typeof choice.index === "number" ? choice.index : 0;
      const reason = finishReasonText(choice.finish_reason);
      this.#trackChoice(index, reason !== "");
      if (reason === "") continue;
      this.#finishReason ||= reason;
      if (finishFailure(reason)) failed = reason;
    }
    return failed;
  }

  #trackChoice(index: number, isFinished: boolean): void {
    const before = this.#choices.get(index);
    if (before === true) return;
    if (before === undefined && !isFinished) this.#unfinished++;
    if (before === false && isFinished) this.#unfinished--;
    this.#choices.set(index, isFinished);
  }

  onDone(): void {
    const isFinal = this.#choices.size > 0 && this.#unfinished === 0;
    if (!isFinal) this.#chunks.push(DONE);
    this.#complete();
  }

  #complete(): void {
    if (!this.#hasContent && isFiltered(this.#finishReason)) {
      return this.#fail(this.#failures.fromFilter(this.#finishReason));
    }
    this.#hasEnded = true;
  }

  /** An answer that is complete already stays so. */
  onFailure(error: unknown): void {
    if (this.#isComplete) this.#complete();
    else this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#failure = { error };
  }
}
