// One call: its records and events, and what may end it from outside. The
// caller's signal and the total clock say the same sentence to whatever is
// running at that moment.

import type { Chain } from "./_chain.ts";
import { rememberAttempts } from "./attempts_of.ts";
import { ModelTimeoutError } from "./errors.ts";
import type { Attempt, FallbackEvent } from "./types.ts";

/** Why something ended; boxed, for anything can be thrown, `undefined` too. */
export interface Failure {
  readonly error: unknown;
}

/** What a call is busy with, and how that is given up. */
interface Stoppable {
  stop(failure: Failure): void;
}

/** The state of one call. */
export class Call<Request, Chunk> {
  readonly chain: Chain<Request, Chunk>;
  /** The records, first to last. */
  readonly attempts: Attempt[] = [];
  /** Whatever is running at the moment. */
  running: Stoppable | undefined;
  #stopped: Failure | undefined;
  readonly #signal: AbortSignal | undefined;
  #totalTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(chain: Chain<Request, Chunk>, signal: AbortSignal | undefined) {
    this.chain = chain;
    this.#signal = signal;
    if (signal?.aborted) {
      this.#stopped = { error: signal.reason };
      return;
    }
    // The call itself is the listener, which costs no closure.
    signal?.addEventListener("abort", this);
    const { totalMs } = chain.clocks;
    if (totalMs === undefined) return;
    this.#totalTimer = setTimeout(() => {
      const model = this.attempts.at(-1)?.model ?? "";
      this.#stop(new ModelTimeoutError(model, "total", totalMs));
    }, totalMs);
  }

  /** The caller's signal has aborted. */
  handleEvent(): void {
    this.#stop(this.#signal!.reason);
  }

  #stop(error: unknown): void {
    this.end();
    this.#stopped = { error };
    this.running?.stop(this.#stopped);
  }

  /** Throws what has ended the call from outside, if anything has. */
  throwIfStopped(): void {
    if (this.#stopped) throw this.#stopped.error;
  }

  /** Waits for a caller's callback, at most until the call is stopped. */
  wait<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.running = { stop: ({ error }) => reject(error) };
      Promise.resolve(work).then(resolve, reject);
    });
  }

  /** The call cannot be stopped any more: its listener and clock go. */
  end(): void {
    this.#signal?.removeEventListener("abort", this);
    clearTimeout(this.#totalTimer);
  }

  /** Ends a call that has nothing to hand over. */
  fail(error: unknown): void {
    this.end();
    rememberAttempts(error, this.attempts);
    const last = this.attempts.at(-1);
    if (this.#stopped && last?.outcome !== "cancelled") {
      this.emit("cancelled", undefined, this.#stopped);
    }
  }

  /** Tells the caller; what that throws or returns changes nothing. */
  emit(
    type: FallbackEvent["type"],
    attempt?: Attempt,
    failure?: Failure,
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
      });
      Promise.resolve(told).catch(() => {});
    } catch {
      // The caller's own.
    }
  }
}
