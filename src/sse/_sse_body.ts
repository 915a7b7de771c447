// The body of a response of server-sent events.

import { assertArgument } from "../_shared/arguments.ts";
import { ignoreErrors } from "../_shared/ignore_errors.ts";
import { attemptsOf } from "../attempts_of.ts";
import { IdleTimer } from "../engine/idle_timer.ts";
import { type ReadySource, takeReady } from "../engine/ready.ts";
import { publicMessage } from "./_public_message.ts";
import type { SseEnd, SseOptions, SseSource } from "./sse_response.ts";
import { summarizeAttempts } from "./summarize_attempts.ts";

const HEARTBEAT = new TextEncoder().encode(":\n\n");

/** How many characters one write has at most, apart from its last event. */
const MAX_WRITE_LENGTH = 64 * 1024;

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** The result of a pull of the source. */
type Arrival<Chunk> =
  | { readonly result: IteratorResult<Chunk> }
  | { readonly error: unknown };

/** Turns an answer into events, as fast as they are read. */
export class SseBody<Chunk> implements UnderlyingDefaultSource<Uint8Array> {
  readonly #iterator: AsyncIterator<Chunk> & ReadySource<Chunk>;
  readonly #source: SseSource<Chunk>;
  readonly #options: SseOptions<Chunk>;
  readonly #heartbeat: IdleTimer | undefined;
  readonly #encoder = new TextEncoder();
  #controller: Controller | undefined;
  /** Ends the pull of a client that waits. */
  #finishPull: (() => void) | undefined;
  /** Chunks that arrived while the client was not reading. */
  #arrived: Arrival<Chunk> | undefined;
  /** The source was pulled, and has not answered yet. */
  #isWaiting = false;
  #isCancelled = false;
  #hasEnded = false;

  constructor(
    iterator: AsyncIterator<Chunk>,
    source: SseSource<Chunk>,
    options: SseOptions<Chunk>,
    heartbeatMs: number,
  ) {
    this.#iterator = iterator;
    this.#source = source;
    this.#options = options;
    if (heartbeatMs > 0) {
      this.#heartbeat = new IdleTimer(heartbeatMs, () => this.#sendHeartbeat());
    }
  }

  start(controller: Controller): void {
    this.#controller = controller;
  }

  /** The client reads: sends the chunks that have arrived, or waits for one. */
  pull(): Promise<void> {
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived) return this.#deliver(arrived);
    this.#heartbeat?.start();
    const pulled = new Promise<void>((resolve) => {
      this.#finishPull = resolve;
    });
    if (!this.#isWaiting) this.#pullSource();
    return pulled;
  }

  #pullSource(): void {
    this.#isWaiting = true;
    try {
      Promise.resolve(this.#iterator.next())
        .then(this.#onResult, (error) => this.#onArrival({ error }));
    } catch (error) {
      this.#onArrival({ error });
    }
  }

  readonly #onResult = (result: IteratorResult<Chunk>): void =>
    this.#onArrival({ result });

  /** After a heartbeat the client may not be reading. Then this waits. */
  #onArrival(arrival: Arrival<Chunk>): void {
    this.#isWaiting = false;
    if (this.#isCancelled) return;
    const finish = this.#finishPull;
    this.#finishPull = undefined;
    if (finish) this.#deliver(arrival).then(finish);
    else this.#arrived = arrival;
  }

  async #deliver(arrival: Arrival<Chunk>): Promise<void> {
    try {
      if ("error" in arrival) throw arrival.error;
      const { done, value } = arrival.result;
      if (!done) return this.#sendChunks(value);
      const attempts = summarizeAttempts(this.#source.attempts ?? []);
      this.#send(formatEvent(JSON.stringify({ attempts }), "done"));
      this.#end({ outcome: "completed" });
    } catch (error) {
      if (this.#isCancelled) return;
      await this.#closeSource();
      if (this.#isCancelled) return;
      const attempts = summarizeAttempts(
        this.#source.attempts ?? attemptsOf(error),
      );
      const body = { error: { message: publicMessage(error), attempts } };
      this.#send(formatEvent(JSON.stringify(body), "error"));
      this.#end({ outcome: "interrupted", error });
    }
    // `onClose` may have canceled the response.
    if (!this.#isCancelled) this.#controller!.close();
  }

  /** The client has disconnected. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    this.#heartbeat?.stop();
    await this.#closeSource();
    this.#end({ outcome: "cancelled" });
  }

  #send(text: string): void {
    this.#controller!.enqueue(this.#encoder.encode(text));
  }

  /** Sends a heartbeat after a silence. The next one waits for a reader. */
  #sendHeartbeat(): void {
    const finish = this.#finishPull;
    if (!finish) return;
    this.#finishPull = undefined;
    this.#controller!.enqueue(HEARTBEAT);
    finish();
  }

  /** Sends a chunk and those that have arrived with it in one write. */
  #sendChunks(chunk: Chunk): void {
    const iterator = this.#iterator;
    let text = "";
    try {
      text = this.#formatChunk(chunk);
      while (iterator[takeReady] && text.length < MAX_WRITE_LENGTH) {
        const ready = iterator[takeReady]();
        if (!ready) break;
        text += this.#formatChunk(ready.value);
      }
    } finally {
      // Chunks before an error are sent before it. After a cancel this throws.
      if (text !== "") this.#send(text);
    }
  }

  #formatChunk(chunk: Chunk): string {
    const { encode } = this.#options;
    const name = this.#options.event?.(chunk);
    assertArgument(
      name === undefined || /^[^\r\n]+$/.test(name),
      "options.event",
      "return a single line",
      name,
    );
    const data = encode
      ? encode.call(this.#options, chunk)
      : JSON.stringify(chunk);
    // `JSON.stringify(() => {})` is `undefined`, despite its type.
    assertArgument(
      data !== undefined,
      "options.encode",
      "return a string",
      data,
    );
    return formatEvent(data, name);
  }

  async #closeSource(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // An error of closing is in the record of the attempt.
    }
  }

  #end(end: SseEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#heartbeat?.stop();
    ignoreErrors(() => this.#options.onClose?.(end));
  }
}

/** One event. Its data may have several lines. */
function formatEvent(data: unknown, name?: string): string {
  const lines = String(data).replace(/\r\n|\r|\n/g, "\ndata: ");
  return `${name ? `event: ${name}\n` : ""}data: ${lines}\n\n`;
}
