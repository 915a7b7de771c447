// What can end a call from outside: the caller's signal, the total timeout, or
// a failure that ends the call. Everything that is in flight (attempts, waits,
// the committed stream) is registered here and is stopped at once.

import { ignoreRejection } from "../_shared/ignore_errors.ts";
import {
  type AbortTarget,
  addAbortTarget,
  removeAbortTarget,
} from "./abort_group.ts";
import type { Failure } from "./failure.ts";

/** Something in flight. */
export interface Cancellable {
  /**
   * Stops it, at once. `lost` means that another model was faster.
   *
   * @returns Whether an attempt was recorded as cancelled.
   */
  stop(outcome: "cancelled" | "lost", failure?: Failure): boolean;
}

/** The call that a scope belongs to. */
export interface ScopeOwner {
  /** The error of the total timeout. */
  timeoutError(totalMs: number): unknown;
  /** The call was canceled, but no attempt of it was. */
  onCancelled(failure: Failure): void;
}

/** Cancels everything that a call has in flight. */
export class CancelScope implements AbortTarget {
  /** Why the call was canceled, or has failed. */
  cancelled: Failure | undefined;
  /** One model is committed: no other attempt starts. */
  isDecided = false;
  /** What is in flight. Most calls have one thing, and a `Set` is large. */
  #first: Cancellable | undefined;
  #others: Set<Cancellable> | undefined;
  #signal: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #owner: ScopeOwner | undefined;

  /** Begins to listen to the signal, and starts the total timeout. */
  start(
    signal: AbortSignal | undefined,
    totalMs: number | undefined,
    owner: ScopeOwner,
  ): void {
    this.#owner = owner;
    this.#signal = signal;
    if (signal?.aborted) return this.onAbort();
    if (signal) addAbortTarget(signal, this);
    if (totalMs === undefined) return;
    this.#timer = setTimeout(() => {
      // Before 2.7, Deno may run a timer that was cleared when it was due.
      if (this.#timer !== undefined) {
        this.cancel({ error: owner.timeoutError(totalMs) });
      }
    }, totalMs);
  }

  /** The caller's signal has aborted. */
  onAbort(): void {
    this.cancel({ error: this.#signal!.reason });
  }

  /** Cancels the call from outside. The first reason counts. */
  cancel(failure: Failure): void {
    if (!this.cancelled && !this.#end(failure)) {
      this.#owner?.onCancelled(failure);
    }
  }

  /** Ends the call with a failure, unless it has ended or is decided. */
  fail(failure: Failure): void {
    if (this.isActive) this.#end(failure);
  }

  /** Stops whatever is in flight. Whether that was an attempt. */
  #end(failure: Failure): boolean {
    this.cancelled = failure;
    this.detach();
    return this.#stopAll("cancelled", failure);
  }

  /** Commits the call to `winner` and stops whatever else is in flight. */
  decide(winner: Cancellable): void {
    this.isDecided = true;
    this.#stopAll("lost", undefined, winner);
  }

  /** Stops everything but `winner`. Whether an attempt was among it. */
  #stopAll(
    outcome: "cancelled" | "lost",
    failure?: Failure,
    winner?: Cancellable,
  ): boolean {
    let wasAttempt = false;
    for (const each of [this.#first, ...this.#others ?? []]) {
      if (!each || each === winner) continue;
      if (each.stop(outcome, failure)) wasAttempt = true;
    }
    return wasAttempt;
  }

  /** Whether another attempt may start. */
  get isActive(): boolean {
    return !this.isDecided && this.cancelled === undefined;
  }

  add(each: Cancellable): void {
    if (this.#first) (this.#others ??= new Set()).add(each);
    else this.#first = each;
  }

  delete(each: Cancellable): void {
    if (this.#first === each) this.#first = undefined;
    else this.#others?.delete(each);
  }

  /** Throws the reason if the call was canceled. */
  throwIfCancelled(): void {
    if (this.cancelled) throw this.cancelled.error;
  }

  /** Nothing can cancel the call any more: removes listener and timer. */
  detach(): void {
    if (this.#signal) removeAbortTarget(this.#signal, this);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Waits, at most until the call is canceled or decided. */
  sleep(ms: number): Promise<void> {
    return this.waitFor(new Promise<void>(() => {}), ms);
  }

  /**
   * Waits for `work`, at most `ms` and until the call is canceled or decided;
   * then the result is `undefined`.
   */
  async waitFor<T>(work: PromiseLike<T>, ms?: number): Promise<T | undefined> {
    if (!this.isActive) {
      ignoreRejection(work);
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait: Cancellable | undefined;
    try {
      return await new Promise<T | undefined>((resolve, reject) => {
        const stop = () => {
          resolve(undefined);
          return false;
        };
        this.add(wait = { stop });
        if (ms !== undefined) timer = setTimeout(stop, ms);
        Promise.resolve(work).then(resolve, reject);
        // To subscribe to foreign work is foreign code: it may have ended us.
        if (!this.isActive) stop();
      });
    } finally {
      clearTimeout(timer);
      if (wait) this.delete(wait);
    }
  }
}
