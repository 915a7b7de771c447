// The body of a streamed response. Everything that has arrived with one network
// packet leaves in one write: several small writes in a row wait for each
// other's acknowledgement.

import { type ReadySource, takeReady } from "../engine/ready.ts";
import type { ChatChunk } from "../openai/mod.ts";
import type { GatewayError } from "./_gateway_error.ts";

/** What is read: a stream of ours, or any other iterator of chunks. */
export type ChunkIterator =
  & AsyncIterator<ChatChunk, unknown, undefined>
  & ReadySource<ChatChunk>;

/** How a body is written, and what is called at its end. */
export interface ChatBodyOptions {
  readonly includeUsage: boolean;
  /** In milliseconds; 0 for never. */
  readonly heartbeatMs: number;
  /** What the client gets in place of an error. */
  readonly toError: (error: unknown) => GatewayError;
  /** Called once, when everything is closed, with why the answer broke off. */
  readonly onEnd?: ((error?: unknown) => void) | undefined;
  /** Called when the client leaves, before anything else. */
  readonly onCancel?: (() => void) | undefined;
}

const HEARTBEAT = ": \n\n";
const encoder = new TextEncoder();

/** Writes an answer as server-sent events of the protocol. */
export class ChatBody implements UnderlyingDefaultSource<Uint8Array> {
  readonly #opening: Promise<ChunkIterator> | undefined;
  #iterator: ChunkIterator | undefined;
  readonly #options: ChatBodyOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastWrite = Date.now();
  #isPulling = false;
  #hasEnded = false;
  #closing: Promise<void> | undefined;

  /** @param source The chunks, or a promise of them while no model answers yet. */
  constructor(
    source: ChunkIterator | Promise<ChunkIterator>,
    options: ChatBodyOptions,
  ) {
    if (source instanceof Promise) this.#opening = source;
    else this.#iterator = source;
    this.#options = options;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    const { heartbeatMs } = this.#options;
    if (heartbeatMs === 0) return;
    // The response was started only because a heartbeat is due.
    if (this.#opening) controller.enqueue(encoder.encode(HEARTBEAT));
    this.#timer = setTimeout(this.#beat, heartbeatMs);
  }

  async pull(): Promise<void> {
    this.#isPulling = true;
    try {
      this.#iterator ??= await this.#opening!;
      // A chunk may be nothing for the client: then the next one is awaited.
      for (let isWritten = false; !isWritten;) {
        const result = await this.#iterator.next();
        if (this.#hasEnded) return;
        isWritten = this.#write(result);
      }
    } catch (error) {
      await this.#fail(error);
    } finally {
      this.#isPulling = false;
    }
  }

  /** The client has left. */
  async cancel(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#options.onCancel?.();
    await (this.#closing ??= this.#closeSource());
    this.#options.onEnd?.();
  }

  async #closeSource(): Promise<void> {
    try {
      const iterator = this.#iterator ?? await this.#opening;
      await iterator?.return?.();
    } catch {
      // What opening or closing throws is in the records of the attempts.
    }
  }

  /** Writes a result and everything that has arrived with it. */
  #write(result: IteratorResult<ChatChunk>): boolean {
    if (result.done) {
      this.#enqueue("data: [DONE]\n\n");
      this.#end();
      return true;
    }
    let text = this.#format(result.value);
    const iterator = this.#iterator!;
    for (let ready; (ready = iterator[takeReady]?.());) {
      text += this.#format(ready.value);
    }
    if (text === "") return false;
    this.#enqueue(text);
    return true;
  }

  #format(chunk: ChatChunk): string {
    const { usage, choices } = chunk;
    if (usage !== undefined && usage !== null && !this.#options.includeUsage) {
      if (choices.length === 0) return "";
      const { usage: _, ...rest } = chunk;
      chunk = rest as ChatChunk;
    } else if (choices.length === 0 && standsForDone(chunk)) {
      return "";
    }
    return `data: ${JSON.stringify(chunk)}\n\n`;
  }

  #enqueue(text: string): void {
    this.#lastWrite = Date.now();
    this.#controller.enqueue(encoder.encode(text));
  }

  readonly #beat = (): void => {
    const { heartbeatMs } = this.#options;
    const silentMs = Date.now() - this.#lastWrite;
    if (silentMs < heartbeatMs) {
      this.#timer = setTimeout(this.#beat, heartbeatMs - silentMs);
      return;
    }
    // A client that does not read gets no heartbeats either.
    const isAwaited = this.#isPulling && this.#controller.desiredSize === 0;
    if (isAwaited) this.#controller.enqueue(encoder.encode(HEARTBEAT));
    this.#timer = setTimeout(this.#beat, heartbeatMs);
  };

  async #fail(error: unknown): Promise<void> {
    await (this.#closing ??= this.#closeSource());
    // The client may have left meanwhile.
    if (this.#hasEnded) return;
    const { message, type, code } = this.#options.toError(error);
    const event = JSON.stringify({ error: { message, type, code } });
    this.#enqueue(`data: ${event}\n\n`);
    this.#end(error);
  }

  #end(error?: unknown): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#controller.close();
    this.#options.onEnd?.(error);
  }
}

/** A chunk that a model makes where the server only says `[DONE]`. */
function standsForDone(chunk: ChatChunk): boolean {
  return Object.keys(chunk).every((name) =>
    name === "object" || name === "choices"
  );
}
