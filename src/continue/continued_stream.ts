// The stream of an answer with several parts: a call around the calls of the
// parts. The outer call provides the guarantees of a stream, and the total timeout,
// which must not restart with each part.

import { MAX_TIMEOUT_MS } from "../_shared/arguments.ts";
import { linkAttempts } from "../attempts_of.ts";
import { CallLog } from "../engine/call_log.ts";
import type { Chain } from "../engine/chain.ts";
import type { CommittedStream } from "../engine/committed_stream.ts";
import { InspectableStream } from "../engine/inspect.ts";
import { type ReadySource, takeReady } from "../engine/ready.ts";
import { openChain } from "../engine/run_models.ts";
import { toReadableStream } from "../engine/to_readable_stream.ts";
import type { Attempt } from "../types/attempt.ts";
import type { FallbackStream } from "../types/stream.ts";
import type { ContinueOptions, DeliveryLog } from "./options.ts";
import { Parts } from "./parts.ts";

/** An answer of several models, one after the other. */
export class ContinuedStream<Request, Chunk> extends InspectableStream
  implements FallbackStream<Chunk>, ReadySource<Chunk> {
  /** The records of all parts. */
  readonly #log: CallLog;
  readonly #chain: Chain<Request, Chunk>;
  readonly #request: Request;
  readonly #options: ContinueOptions<Request, Chunk>;
  readonly #delivered: DeliveryLog<Chunk>;
  #parts!: Parts<Request, Chunk>;
  /** The outer call, whose only model delivers the parts. */
  #whole!: CommittedStream<Chunk>;

  constructor(
    chain: Chain<Request, Chunk>,
    request: Request,
    options: ContinueOptions<Request, Chunk>,
    delivered: DeliveryLog<Chunk>,
  ) {
    super();
    this.#log = new CallLog(chain);
    this.#chain = chain;
    this.#request = request;
    this.#options = options;
    this.#delivered = delivered;
  }

  /** Opens the first part. */
  async open(): Promise<this> {
    const { totalMs } = this.#chain.timeouts;
    const whole: Chain<Request, Chunk> = {
      models: [{
        name: "continued",
        stream: async (request, context) => {
          this.#parts = new Parts(
            this.#chain,
            this.#options,
            this.#log,
            this.#delivered,
            request,
            context,
          );
          await this.#parts.open(request, 0);
          return this.#parts;
        },
      }],
      fallbackTests: [() => false],
      listeners: [],
      health: undefined,
      options: { allowEmpty: true },
      timeouts: {
        openMs: undefined,
        firstContentMs: undefined,
        idleMs: undefined,
        totalMs,
        // The parts limit their closing themselves.
        closeMs: MAX_TIMEOUT_MS,
      },
      retry: undefined,
      hedge: undefined,
      lastModel: () => this.#log.lastModel ?? this.#chain.models[0]!.name,
    };
    const { signal } = this.#options;
    this.#whole = await this.#withAttempts(
      openChain(whole, this.#request, signal),
    );
    return this;
  }

  /** Links the records that the caller knows to the errors. */
  async #withAttempts<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      linkAttempts(error, this.attempts);
      throw error;
    }
  }

  get model(): string {
    return this.#parts.model;
  }

  get attempts(): readonly Attempt[] {
    return this.#log.attempts;
  }

  get outcome(): string {
    return this.#whole.outcome;
  }

  next(): Promise<IteratorResult<Chunk, undefined>> {
    return this.#withAttempts(this.#whole.next());
  }

  [takeReady](): IteratorYieldResult<Chunk> | undefined {
    return this.#whole[takeReady]();
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.#withAttempts(this.#whole.return());
  }

  throw(error?: unknown): Promise<IteratorResult<Chunk, undefined>> {
    return this.#whole.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  toReadableStream(): ReadableStream<Chunk> {
    return toReadableStream(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
