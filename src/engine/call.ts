// One call: its arguments, its log, and what can cancel it.

import { ModelTimeoutError } from "../errors.ts";
import { CallLog } from "./call_log.ts";
import { CancelScope, type ScopeOwner } from "./cancel_scope.ts";
import type { Chain } from "./chain.ts";
import type { Failure } from "./failure.ts";
import type { AttemptRunner, Opened } from "./attempt_runner.ts";
import { CommittedStream } from "./committed_stream.ts";

/** What the attempts of a hedged call have to do with the race. */
interface RaceInFlight<Chunk> {
  readonly runners: readonly Promise<unknown>[];
  delayFor(model: string): number | undefined;
  attemptStarted(
    attempt: AttemptRunner<never, Chunk>,
    afterMs: number | undefined,
  ): void;
}

/** The runners of a call without a hedge: an empty array that calls share. */
const NO_RUNNERS: readonly Promise<unknown>[] = [];

/** The state of one call. */
export class Call<Request, Chunk> implements ScopeOwner {
  readonly chain: Chain<Request, Chunk>;
  readonly log: CallLog;
  readonly scope = new CancelScope();
  /** The models that run side by side, if the call is hedged. */
  race: RaceInFlight<Chunk> | undefined;
  /** The committed stream, from the moment that it exists. */
  committed: CommittedStream<Chunk> | undefined;
  /** The health store has thrown or was too slow: it is not waited for again. */
  isStoreSlow = false;

  constructor(
    chain: Chain<Request, Chunk>,
    log: CallLog = new CallLog(chain),
  ) {
    this.chain = chain;
    this.log = log;
  }

  /** Lets the signal and the total timeout cancel the call. */
  start(signal: AbortSignal | undefined): void {
    this.scope.start(signal, this.chain.timeouts.totalMs, this);
  }

  timeoutError(totalMs: number): ModelTimeoutError {
    const { lastModel, models } = this.chain;
    const model = lastModel?.() ?? this.log.lastModel ?? models[0]!.name;
    return new ModelTimeoutError(model, "total", totalMs);
  }

  onCancelled(failure: Failure): void {
    this.log.emit("cancelled", undefined, undefined, failure);
  }

  /** Hands an attempt with content over to the stream that the caller gets. */
  commitTo(
    attempt: AttemptRunner<Request, Chunk>,
    opened: Opened<Chunk>,
    stack: AsyncDisposableStack,
  ): CommittedStream<Chunk> {
    const stream = new CommittedStream<Chunk>(this, attempt, opened, stack);
    opened.source.consumer = stream;
    this.scope.delete(attempt);
    this.scope.add(stream);
    this.committed = stream;
    return stream;
  }

  /** The models of a hedged call that were started, each with its retries. */
  get runners(): readonly Promise<unknown>[] {
    return this.race?.runners ?? NO_RUNNERS;
  }

  /** Resolves when everything that the call has opened is closed or abandoned. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.runners);
    await this.committed?.closed;
  }
}
