// One call: its records and events, and what may end it from outside. The
// caller's signal and the total clock say the same sentence to whatever is
// running at that moment.

import type { Chain } from "./_chain.ts";
import { forget, quietly } from "./_quietly.ts";
import { ModelTimeoutError } from "./errors.ts";
import type {
  Attempt,
  FallbackEvent,
  FallbackListener,
  HealthReport,
  HealthStore,
} from "./types.ts";

/** Why something ended; boxed, for anything can be thrown, `undefined` too. */
export interface Failure {
  readonly error: unknown;
}

/** Something that a call is busy with, and how that is given up. */
export interface Stoppable {
  stop(outcome: "cancelled" | "lost", failure?: Failure): void;
}

/** Shared, for most calls have none and many streams may be open at once. */
const NONE: readonly Promise<unknown>[] = [];

/** The state of one call. */
export class Call<Request, Chunk> {
  readonly chain: Chain<Request, Chunk>;
  /** The records, first to last. */
  readonly attempts: Attempt[];
  /** Whatever is running at the moment: attempts, waits, or the stream. */
  readonly running = new Set<Stoppable>();
  /** The models that race, each with its retries. */
  runners = NONE;
  /** One model is committed: no other is opened any more. */
  committed = false;
  /** Who is asked before a model is; nobody where all would be skipped. */
  gate: HealthStore | undefined;
  /** Whether the caller's listener wants to see its parts: asked only once. */
  readonly isSeen: boolean;
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
    this.gate = chain.options.health;
    this.isSeen = wantsToSee(chain.options.onEvent);
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
      // Before 2.7 Deno may run a timer that was cleared when it was due.
      if (this.#totalTimer === undefined) return;
      const last = chain.lastModel?.() ?? this.attempts.at(-1)?.model;
      const model = last ?? chain.models[0]!.name;
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
    this.emit("cancelled", undefined, undefined, { error });
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

  /** Whether nothing is opened any more. */
  isOver(): boolean {
    return this.committed || this.#stopped !== undefined;
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

  /** Runs a part of the call as the caller's listener wants to see it run. */
  around<T>(run: () => Promise<T>, attempt?: Attempt): Promise<T> {
    if (!this.isSeen) return run();
    const { onEvent } = this.chain.options;
    let running: Promise<T> | undefined;
    const once = () => running ??= run();
    quietly(() => onEvent!.around!(once, this.attempts, attempt));
    return once();
  }

  /** Waits for `work`, at most `ms` and until the call is stopped or decided. */
  async wait<T>(work: PromiseLike<T>, ms?: number): Promise<T | undefined> {
    let wait: Stoppable | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<T | undefined>((resolve, reject) => {
        const stop = () => resolve(undefined);
        this.running.add(wait = { stop });
        if (ms !== undefined) timer = setTimeout(stop, ms);
        Promise.resolve(work).then(resolve, reject);
        if (this.isOver()) stop(); // there is nobody left to end it
      });
    } finally {
      clearTimeout(timer);
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
    this.#totalTimer = undefined;
  }

  /** Tells the store what has become of a model. */
  report(model: string, outcome: HealthReport, failure?: Failure): void {
    const { health } = this.chain.options;
    if (!health) return;
    const error = failure ? [failure.error] : [];
    quietly(() => health.report(model, outcome, ...error));
  }

  /** Tells the caller; `at` is when it happened, if a record knows: a clock is dear. */
  emit(
    type: FallbackEvent["type"],
    attempt?: Attempt,
    at?: number,
    failure?: Failure,
    delayMs?: number,
  ): void {
    const { options } = this.chain;
    if (!options.onEvent) return;
    const event: {
      -readonly [Key in keyof FallbackEvent]: FallbackEvent[Key];
    } = { type, at: at ?? Date.now(), attempts: this.attempts };
    if (attempt) event.attempt = attempt;
    if (failure) event.error = failure.error;
    if (delayMs !== undefined) event.delayMs = delayMs;
    try {
      forget(options.onEvent(event));
    } catch {
      // Theirs.
    }
  }
}

function wantsToSee(listener: FallbackListener | undefined): boolean {
  try {
    return typeof listener?.around === "function";
  } catch {
    return false;
  }
}
