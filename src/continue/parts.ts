// The parts of a continued answer, read one after the other as one iterator.

import { abortable } from "@std/async/abortable";
import type { CallLog } from "../engine/call_log.ts";
import type { Chain } from "../engine/chain.ts";
import type { CommittedStream } from "../engine/committed_stream.ts";
import type { Failure } from "../engine/failure.ts";
import { toArray } from "../engine/mapped_source.ts";
import { openOnStack } from "../engine/nested_call.ts";
import { Queue } from "../engine/queue.ts";
import { type ReadySource, takeReady } from "../engine/ready.ts";
import { openChain } from "../engine/run_models.ts";
import type { ModelContext } from "../types/model.ts";
import type { ChunkSplice, ContinueOptions, DeliveryLog } from "./options.ts";

type Result<Chunk> = IteratorResult<Chunk, undefined>;

/** Reads the current part, and opens the next one when it breaks off. */
export class Parts<Request, Chunk>
  implements AsyncIterableIterator<Chunk, undefined>, ReadySource<Chunk> {
  readonly #chain: Chain<Request, Chunk>;
  readonly #options: ContinueOptions<Request, Chunk>;
  readonly #log: CallLog;
  readonly #delivered: DeliveryLog<Chunk>;
  readonly #request: Request;
  readonly #context: ModelContext;
  #part!: CommittedStream<Chunk>;
  /** Joins the current part to what came before; the first part needs none. */
  #splice: ChunkSplice<Chunk> | undefined;
  /** How many chunks of the part's preamble are left to skip. */
  #preamble = 0;
  /** Chunks that have arrived and are not delivered yet. */
  readonly #ready = new Queue<Chunk>();
  /** The error of `splice`, which ends the answer. */
  #failure: Failure | undefined;
  #hasEnded = false;

  constructor(
    chain: Chain<Request, Chunk>,
    options: ContinueOptions<Request, Chunk>,
    log: CallLog,
    delivered: DeliveryLog<Chunk>,
    request: Request,
    context: ModelContext,
  ) {
    this.#chain = chain;
    this.#options = options;
    this.#log = log;
    this.#delivered = delivered;
    this.#request = request;
    this.#context = context;
  }

  /** The model that answers at the moment. */
  get model(): string {
    return this.#part.model;
  }

  /** Opens a part with the models from a position on. */
  async open(request: Request, from: number): Promise<void> {
    const { signal, stack } = this.#context;
    const timeouts = { ...this.#chain.timeouts, totalMs: undefined };
    const chain = { ...this.#chain, timeouts };
    this.#part = await openOnStack(
      stack,
      () => openChain(chain, request, signal, this.#log, from),
    );
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The engine waits for each result before it pulls again. */
  async next(): Promise<Result<Chunk>> {
    for (;;) {
      const ready = this.#take();
      if (ready) return ready;
      if (this.#failure) return await this.#end(this.#failure);
      if (this.#hasEnded) return { done: true, value: undefined };
      let result: Result<Chunk>;
      try {
        result = await this.#part.next();
      } catch (error) {
        await this.#resume(error);
        continue;
      }
      this.#accept(result);
    }
  }

  [takeReady](): IteratorYieldResult<Chunk> | undefined {
    for (;;) {
      const ready = this.#take();
      if (ready) return ready;
      if (this.#failure || this.#hasEnded) return undefined;
      const result = this.#part[takeReady]();
      if (!result) return undefined;
      this.#accept(result);
    }
  }

  async return(): Promise<Result<Chunk>> {
    return await this.#part.return();
  }

  async #end({ error }: Failure): Promise<never> {
    // The attempt's record has the error of closing.
    await this.#part.return().catch(() => {});
    throw error;
  }

  #take(): IteratorYieldResult<Chunk> | undefined {
    if (this.#ready.length === 0) return undefined;
    const value = this.#ready.shift();
    this.#delivered.add(value);
    return { done: false, value };
  }

  #accept(result: Result<Chunk>): void {
    if (result.done) this.#hasEnded = true;
    else if (this.#preamble-- > 0) return;
    const splice = this.#splice;
    if (!splice) {
      if (!result.done) this.#ready.push(result.value);
      return;
    }
    try {
      const chunks = result.done ? splice.end() : splice.push(result.value);
      for (const chunk of toArray(chunks)) this.#ready.push(chunk);
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Opens the next part, or throws the error. */
  async #resume(error: unknown): Promise<void> {
    const { attempt, isFinished, outcome } = this.#part;
    const from = attempt.modelIndex + 1;
    const isOver = outcome !== "interrupted" || this.#context.signal.aborted ||
      isFinished || from === this.#chain.models.length;
    const request = isOver ? undefined : await this.#askForRequest(error);
    if (request === undefined) throw error;
    await this.open(request, from);
    this.#preamble = this.#part.preamble;
    const { model } = this.#part;
    const chunks = this.#delivered.chunks();
    this.#splice = this.#options.splice?.({ chunks, model });
  }

  async #askForRequest(error: unknown): Promise<Request | undefined> {
    const interruption = {
      request: this.#request,
      chunks: this.#delivered.chunks(),
      model: this.#part.model,
      error,
    };
    try {
      const request = this.#options.resume(interruption);
      return await abortable(Promise.resolve(request), this.#context.signal);
    } catch (thrown) {
      throw new SuppressedError(thrown, error, "'options.resume' threw");
    }
  }
}
