// Hedging: models that run side by side (R19). The idea is from Dean and
// Barroso, "The Tail at Scale" (2013).

import { refusePromise } from "../_shared/ignore_errors.ts";
import { resolveMilliseconds } from "../_shared/milliseconds.ts";
import type { AttemptRunner } from "../engine/attempt_runner.ts";
import type { Call } from "../engine/call.ts";
import type { ResolvedHedge } from "../engine/chain.ts";
import type { CommittedStream } from "../engine/committed_stream.ts";
import type { Candidate, ModelQueue } from "../engine/model_queue.ts";

/** The models of a call that run side by side. */
export class HedgeRace<Request, Chunk> {
  /** One promise per model that was started, with its retries. */
  readonly runners: Promise<unknown>[] = [];
  readonly #call: Call<Request, Chunk>;
  readonly #hedge: ResolvedHedge;
  readonly #queue: ModelQueue<Request, Chunk>;
  readonly #run: (
    candidate: Candidate<Request, Chunk>,
  ) => Promise<CommittedStream<Chunk> | undefined>;
  #inFlight = 0;
  /** How many of them the health store has not refused. */
  #unskippedInFlight = 0;
  /** The position of the model that was started last. */
  #youngest: number | undefined;
  /** Its latest attempt. */
  #youngestAttempt: AttemptRunner<never, Chunk> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #resolve!: (stream: CommittedStream<Chunk> | undefined) => void;
  #reject!: (error: unknown) => void;

  constructor(
    call: Call<Request, Chunk>,
    hedge: ResolvedHedge,
    queue: ModelQueue<Request, Chunk>,
    run: (
      candidate: Candidate<Request, Chunk>,
    ) => Promise<CommittedStream<Chunk> | undefined>,
  ) {
    this.#call = call;
    this.#hedge = hedge;
    this.#queue = queue;
    this.#run = run;
  }

  /** The first stream, or `undefined` once every model has failed. */
  run(): Promise<CommittedStream<Chunk> | undefined> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#startNext();
    });
  }

  /** How long this model may be without content before the next is opened. */
  delayFor(model: string): number | undefined {
    const { afterMs } = this.#hedge;
    return resolveMilliseconds("options.hedge.afterMs", afterMs, model);
  }

  /** An attempt has started. The first one of the youngest model is timed. */
  attemptStarted(
    attempt: AttemptRunner<never, Chunk>,
    afterMs: number | undefined,
  ): void {
    if (attempt.modelIndex !== this.#youngest) return;
    const isFirst = this.#youngestAttempt === undefined;
    this.#youngestAttempt = attempt;
    if (!isFirst || afterMs === undefined) return;
    this.#timer = setTimeout(() => {
      // Before 2.7, Deno may run a timer that was cleared when it was due.
      if (this.#timer !== undefined) this.#openHedge();
    }, afterMs);
  }

  /** The youngest model is slow. */
  #openHedge(): void {
    const { log, scope } = this.#call;
    const { budget } = this.#hedge.options;
    if (!scope.isActive || !this.#canStart()) return;
    try {
      const isTaken: unknown = budget ? budget.take() : true;
      refusePromise("options.hedge.budget.take", isTaken);
      if (!isTaken) return;
    } catch (error) {
      scope.fail({ error });
    }
    if (!scope.isActive) return;
    log.emit("hedging", this.#youngestAttempt!.record);
    if (scope.isActive) this.#startNext();
  }

  /** A skipped model is never opened while one that was admitted still runs. */
  #canStart(): boolean {
    return this.#inFlight < this.#hedge.maxInFlight &&
      (this.#queue.hasUnskipped ||
        this.#queue.hasNext && this.#unskippedInFlight === 0);
  }

  #startNext(): void {
    const candidate = this.#canStart() ? this.#queue.take() : undefined;
    if (!candidate) {
      if (this.#inFlight === 0) this.#resolve(undefined);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#youngest = candidate.index;
    this.#youngestAttempt = undefined;
    const weight = candidate.isSkipped ? 0 : 1;
    this.#inFlight++;
    this.#unskippedInFlight += weight;
    const runner = this.#run(candidate);
    this.runners.push(runner);
    runner.then((stream) => {
      this.#inFlight--;
      this.#unskippedInFlight -= weight;
      this.#runnerEnded(stream);
    }, this.#reject);
  }

  #runnerEnded(stream: CommittedStream<Chunk> | undefined): void {
    const { scope } = this.#call;
    if (scope.isActive) return this.#startNext();
    clearTimeout(this.#timer);
    if (stream || this.#inFlight === 0) this.#resolve(stream);
  }
}
