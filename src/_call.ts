// One call: its records and events, and what may end it from outside. The
// caller's signal and the total clock say the same sentence to whatever is
// running at that moment.

import type { Chain } from "./_chain.ts";
import { ModelTimeoutError } from "./errors.ts";
import type { Attempt, FallbackEvent } from "./types.ts";

/** Why something ended; boxed, for anything can be thrown, `undefined` too. */
export interface Failure {
  readonly error: unknown;
}

/** Something that a call is busy with, and how that is given up. */
export interface Stoppable {
  stop(outcome: "cancelled" | "lost", failure?: Failure): void;
}

/** The state of one call. */
export class Call<Request, Chunk> {
  readonly chain: Chain<Request, Chunk>;
  /** The records, first to last. */
  readonly attempts: Attempt[];
  /** Whatever is running at the moment: attempts, waits, or the stream. */
  readonly running = new Set<Stoppable>();
  /** The models that race, each with its retries. */
  runners: readonly Promise<unknown>[] = [];
  /** One model is committed: no other is opened any more. */
  committed = false;
  #stopped: Failure | undefined;
  readonly #signal: AbortSignal | undefined;
  #totalTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    chain: Chain<Request, Chunk>,
    signal: AbortSignal | undefined,
    attempts: Attempt[],
  ) {
    this.chain = chain;
    this.attempts = attempts;
    this.#signal = signal;
    if (signal?.aborted) {
      this.handleEvent();
      return;
    }
    // The call itself is the listener, which costs no closure.
    signal?.addEventListener("abort", this);
    const { totalMs } = chain.clocks;
    if (totalMs === undefined) return;
    this.#totalTimer = setTimeout(() => {
      const model = chain.lastModel?.() ?? this.attempts.at(-1)!.model;
      this.#cancel(new ModelTimeoutError(model, "total", totalMs));
    }, totalMs);
  }

  /** The caller's signal has aborted. */
  handleEvent(): void {
    this.#cancel(this.#signal!.reason);
  }

  #cancel(error: unknown): void {
    this.stop(error);
    if (this.attempts.some(({ outcome }) => outcome === "cancelled")) return;
    this.emit("cancelled", undefined, { error });
  }

  /** Ends the call with an error: whatever is running is given up. */
  stop(error: unknown): void {
    this.end();
    this.#stopped = { error };
    this.#stopAll("cancelled", this.#stopped);
  }

  /** Gives up whatever is running, but for `winner`. */
  #stopAll(
    outcome: "cancelled" | "lost",
    failure?: Failure,
    winner?: Stoppable,
  ): void {
    for (const each of this.running) {
      if (each !== winner) each.stop(outcome, failure);
    }
  }

  /** The first content has come: whatever else is running has lost. */
  commit(winner: Stoppable): void {
    this.committed = true;
    this.#stopAll("lost", undefined, winner);
  }

  /** Throws what has ended the call from outside, if anything has. */
  throwIfStopped(): void {
    if (this.#stopped) throw this.#stopped.error;
  }

  /**
   * Whether another model is committed already.
   *
   * @throws What has ended the call from outside, if anything has.
   */
  isDecided(): boolean {
    this.throwIfStopped();
    return this.committed;
  }

  /** Waits for `work`, at most until the call is stopped or decided. */
  async wait<T>(work: PromiseLike<T>): Promise<T | undefined> {
    let wait: Stoppable | undefined;
    try {
      return await new Promise<T | undefined>((resolve, reject) => {
        this.running.add(wait = { stop: () => resolve(undefined) });
        Promise.resolve(work).then(resolve, reject);
      });
    } finally {
      this.running.delete(wait!);
    }
  }

  /** Resolves when every model that was started has come to its end. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.runners);
  }

  /** The call cannot be stopped any more: its listener and clock go. */
  end(): void {
    this.#signal?.removeEventListener("abort", this);
    clearTimeout(this.#totalTimer);
  }

  /** Tells the caller; what that throws or returns changes nothing. */
  emit(
    type: FallbackEvent["type"],
    attempt?: Attempt,
    failure?: Failure,
    delayMs?: number,
  ): void {
    const { options } = this.chain;
    if (!options.onEvent) return;
    const at = Date.now();
    const { attempts } = this;
    try {
      const told: unknown = options.onEvent({
        type,
        at,
        ...(attempt && { attempt }),
        attempts,
        ...failure,
        ...(delayMs !== undefined && { delayMs }),
      });
      Promise.resolve(told).catch(() => {});
    } catch {
      // The caller's own.
    }
  }
}
