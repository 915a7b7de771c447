// One attempt: a model's stream from its opening to its close. A caller waits
// for a promise of our own, which a timeout or an abort settles too, so a model
// that never answers does not block the call. After every call into user code the
// attempt checks whether it has ended meanwhile.
//
// The file is long because everything in it guards one state: whether the attempt
// is opening, streaming or has ended.

import { resolveMilliseconds } from "../_shared/milliseconds.ts";
import { getProperty, isInstance } from "../_shared/safe_access.ts";
import {
  EmptyStreamError,
  ModelTimeoutError,
  TruncatedStreamError,
} from "../errors.ts";
import type { Attempt, Outcome } from "../types/attempt.ts";
import type { Model, ModelContext, StreamSource } from "../types/model.ts";
import type { Call } from "./call.ts";
import { writeRecord } from "./call_log.ts";
import type { Cancellable } from "./cancel_scope.ts";
import { closeWithin, withoutErrors } from "./close.ts";
import { CommittedStream } from "./committed_stream.ts";
import type { Failure } from "./failure.ts";
import { keepFinishNote } from "./finish_note.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { type InnerPredicates, MappedSource } from "./mapped_source.ts";
import { ModelStack } from "./model_stack.ts";
import { Source, type SourceConsumer } from "./source.ts";

/** How many chunks are buffered at most. One more commits. */
const MAX_BUFFERED_CHUNKS = 1024;

/** The key of the record of the attempt that a context belongs to. */
export const attemptRecord: unique symbol = Symbol("attemptRecord");

/** A {@linkcode ModelContext} as a nested chain sees it. */
export interface NestingContext extends ModelContext {
  /** The record under which a nested chain puts its attempts. */
  readonly [attemptRecord]?: Attempt;
}

class AttemptContext implements NestingContext {
  readonly signal: AbortSignal;
  readonly stack: ModelStack;
  readonly model: string;
  readonly attemptNumber: number;
  readonly [attemptRecord]: Attempt;

  constructor(
    signal: AbortSignal,
    stack: ModelStack,
    model: string,
    number: number,
    record: Attempt,
  ) {
    this.signal = signal;
    this.stack = stack;
    this.model = model;
    this.attemptNumber = number;
    this[attemptRecord] = record;
  }
}

/** A stream with its first content. */
export interface Opened<Chunk> {
  readonly source: Source<Chunk>;
  /** The chunks up to the first content, for the caller. */
  readonly buffered: Chunk[];
  /** How many of them came before the chunk with the first content. */
  readonly preamble: number;
  /** The committed stream of a nested chain. */
  readonly inner: CommittedStream<Chunk> | undefined;
}

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Runs one attempt. Disposing of it closes everything that it has opened. */
export class AttemptRunner<Request, Chunk>
  implements AsyncDisposable, Cancellable, SourceConsumer<Chunk> {
  readonly record: Attempt;
  /** The name of the model. */
  readonly model: string;
  /** The position of the model in the list. */
  readonly modelIndex: number;
  /** The number of the attempt within the call, from 1. */
  readonly number: number;
  /** Why the attempt failed, was interrupted or canceled. */
  failure: Failure | undefined;
  /** What closing threw. */
  closeError: Failure | undefined;
  /** The resolved `timeouts.idleMs`. */
  idleMs: number | undefined;
  /** Calls the predicates, once the stream is open. */
  reader: ChunkReader<Chunk> | undefined;
  readonly #call: Call<Request, Chunk>;
  readonly #model: Model<Request, Chunk>;
  readonly #controller = new AbortController();
  readonly #stack: ModelStack;
  #state: "opening" | "streaming" | "ended" = "opening";
  #source: Source<Chunk> | undefined;
  #inner: CommittedStream<Chunk> | undefined;
  readonly #buffered: Chunk[] = [];
  /** The outcome was reported to the health store. */
  #hasReported = false;
  #delivered = 0;
  #openTimer: Timer;
  #contentTimer: Timer;
  #settle!: (result: Opened<Chunk> | Failure | undefined) => void;

  constructor(
    call: Call<Request, Chunk>,
    model: Model<Request, Chunk>,
    modelIndex: number,
  ) {
    this.#call = call;
    this.#model = model;
    this.model = model.name;
    this.modelIndex = modelIndex;
    this.#stack = new ModelStack(this.#controller.signal, this);
    this.number = call.log.count + 1;
    this.record = newRecord(model, modelIndex, this.number);
  }

  /** Whether the attempt has ended; what still arrives is too late. */
  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  /** Whether there is anything to close, or a listener for the event. */
  get needsClosing(): boolean {
    return this.#source?.isClosed === false || !this.#stack.isEmpty ||
      this.#call.log.hasListeners;
  }

  /**
   * Opens the model's stream and buffers chunks until there is content.
   *
   * @returns What was opened, or why the attempt failed, or `undefined` if it
   * was stopped. Settles whatever the model does, and never rejects.
   */
  open(request: Request): Promise<Opened<Chunk> | Failure | undefined> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      const { log, scope } = this.#call;
      log.add(this.record);
      scope.add(this);
      log.emit("started", this.record, this.record.startedAt);
      if (this.hasEnded || !this.#startTimers()) return;
      if (log.hooks.length === 0) return this.#openStream(request);
      // For a listener's hook, the part that it runs settles with the attempt.
      const part = Promise.withResolvers<void>();
      this.#settle = (result) => {
        resolve(result);
        if (result && "error" in result) part.reject(result.error);
        else part.resolve();
      };
      log.runInContext(() => {
        this.#openStream(request);
        return part.promise;
      }, this.record).catch(() => {});
    });
  }

  /** Resolves the times of this attempt. Whether the attempt may go on. */
  #startTimers(): boolean {
    const { chain, race } = this.#call;
    const { openMs, firstContentMs, idleMs } = chain.timeouts;
    const { model: name } = this;
    const path = "options.timeouts";
    let contentMs: number | undefined;
    let hedgeMs: number | undefined;
    try {
      contentMs = resolveMilliseconds(
        `${path}.firstContentMs`,
        firstContentMs,
        name,
      );
      this.idleMs = resolveMilliseconds(`${path}.idleMs`, idleMs, name);
      hedgeMs = race?.delayFor(name);
    } catch (error) {
      this.#fail(error);
    }
    if (this.hasEnded) return false;
    if (openMs !== undefined) {
      this.#openTimer = setTimeout(() => {
        // Before 2.7, Deno may run a timer that was cleared when it was due.
        if (this.#openTimer === undefined) return;
        this.#fail(new ModelTimeoutError(name, "open", openMs));
      }, openMs);
    }
    if (contentMs !== undefined) {
      const ms = contentMs;
      this.#contentTimer = setTimeout(() => {
        this.#fail(new ModelTimeoutError(name, "firstContent", ms));
      }, ms);
    }
    race?.attemptStarted(this, hedgeMs);
    return true;
  }

  #openStream(request: Request): void {
    try {
      const { record } = this;
      const given = this.#model.stream(
        request,
        new AttemptContext(
          this.#controller.signal,
          this.#stack,
          this.model,
          this.number,
          record,
        ),
      );
      if (typeof (given as PromiseLike<unknown>)?.then === "function") {
        Promise.resolve(given).then(
          (source) => this.#onOpened(source),
          (error) => this.#fail(error),
        );
      } else {
        this.#onOpened(given as StreamSource<Chunk>);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #onOpened(given: StreamSource<Chunk>): void {
    if (this.hasEnded) return this.#closeLate(given);
    const { log, chain } = this.#call;
    try {
      const mappers: ((chunk: never) => unknown)[] = [];
      let predicates: InnerPredicates = this.#model;
      let inner: unknown = given;
      while (isInstance(inner, MappedSource)) {
        mappers.unshift(inner.mapChunk);
        predicates = inner.predicates;
        inner = inner.source;
      }
      this.reader = new ChunkReader(
        this,
        predicates,
        chain.options,
        mappers,
      );
      // Known before it starts, so that it is closed if that fails.
      const source = this.#source = new Source<Chunk>(inner);
      source.consumer = this;
      source.start(this.model);
      if (this.hasEnded) return;
      clearTimeout(this.#openTimer);
      this.#openTimer = undefined;
      const openedAt = Date.now();
      writeRecord(this.record, "openedAt", openedAt);
      if (isInstance(inner, CommittedStream)) {
        this.#inner = inner as CommittedStream<Chunk>;
        writeRecord(this.record, "nested", inner.attempts);
      }
      log.emit("opened", this.record, openedAt);
      if (!this.hasEnded) source.pull();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A result of the source, before the model is committed. */
  onResult(result: IteratorResult<Chunk>): void {
    if (this.hasEnded) return;
    try {
      if (result.done) return this.#onEnd();
      const before = this.#buffered.length;
      if (this.#buffer(result.value)) this.#commit(true, before);
      else if (!this.hasEnded) this.#source!.pull();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The source broke, before the model is committed. */
  onError(error: unknown): void {
    this.#fail(error);
  }

  /** Buffers a chunk. Whether it commits the call to this model. */
  #buffer(chunk: Chunk): boolean {
    const reader = this.reader!;
    this.observe(chunk);
    if (this.hasEnded) return false;
    let converted: readonly Chunk[] | undefined;
    if (reader.isMapped) {
      converted = reader.convert(chunk);
      if (this.hasEnded) return false;
      this.#buffered.push(...converted);
    } else {
      this.#buffered.push(chunk);
    }
    return this.#buffered.length > MAX_BUFFERED_CHUNKS ||
      reader.isContent(chunk, converted);
  }

  /** Looks at a chunk of the model. Called once for each. */
  observe(chunk: unknown): void {
    const reader = this.reader!;
    if (reader.reportsUsage && reader.takeUsage(chunk)) {
      writeRecord(this.record, "usage", { ...reader.usage });
    }
    reader.observe(chunk);
  }

  /** The stream has ended before any content. */
  #onEnd(): void {
    this.checkComplete();
    if (!this.#call.chain.options.allowEmpty) {
      throw new EmptyStreamError(
        this.model,
        this.#source!.finishNote?.reason,
      );
    }
    this.#commit(false, this.#buffered.length);
  }

  /**
   * Called at the end of the stream.
   *
   * @throws {TruncatedStreamError} If it has no final chunk.
   */
  checkComplete(): void {
    if (this.reader!.isTruncated) {
      throw new TruncatedStreamError(this.model);
    }
  }

  #commit(hasContent: boolean, preamble: number): void {
    if (this.hasEnded) return;
    const { log, scope } = this.#call;
    this.#clearTimers();
    this.#state = "streaming";
    writeRecord(this.record, "outcome", "streaming");
    if (hasContent) {
      const at = Date.now();
      writeRecord(this.record, "firstContentAt", at);
      log.emit("committed", this.record, at);
      if (this.hasEnded) return;
    }
    scope.decide(this);
    if (this.hasEnded) return;
    this.#hasReported = true;
    log.report(this.model, "success");
    if (this.hasEnded) return;
    this.#settle({
      source: this.#source!,
      buffered: this.#buffered,
      preamble,
      inner: this.#inner,
    });
  }

  #clearTimers(): void {
    clearTimeout(this.#openTimer);
    clearTimeout(this.#contentTimer);
    // An open stream would keep the timers in memory.
    this.#openTimer = this.#contentTimer = undefined;
  }

  #fail(error: unknown): void {
    if (this.#state !== "opening") return;
    const failure = { error };
    this.end("failed", failure);
    this.#call.log.report(this.model, "failure", failure);
    this.#settle(failure);
  }

  /** The call was canceled, or another model was faster. */
  stop(outcome: "cancelled" | "lost", failure?: Failure): boolean {
    if (this.hasEnded) return false;
    this.end(outcome, failure);
    if (!this.#hasReported) {
      this.#call.log.report(this.model, "released");
    }
    this.#settle(undefined);
    return true;
  }

  /** Records the end and aborts the signal. It closes nothing yet. */
  end(
    outcome: Exclude<Outcome, "pending" | "streaming" | "skipped">,
    failure?: Failure,
  ): void {
    if (this.hasEnded) return;
    this.#state = "ended";
    const { record } = this;
    const { log, scope } = this.#call;
    scope.delete(this);
    this.#clearTimers();
    const endedAt = Date.now();
    writeRecord(record, "outcome", outcome);
    writeRecord(record, "endedAt", endedAt);
    if (failure) {
      this.failure = failure;
      writeRecord(record, "error", failure.error);
      const { model, modelIndex, number } = this;
      log.addEnding({
        model,
        modelIndex,
        number,
        outcome,
        error: failure.error,
      });
    }
    const note = this.#source?.finishNote;
    if (note) keepFinishNote(record, note);
    if (note?.reason && !note.isUsual && outcome === "completed") {
      writeRecord(record, "finishReason", note.reason);
    }
    this.#stack.seal();
    log.emit(outcome, record, endedAt, failure);
    if (this.#source?.ended !== "done") this.#controller.abort(failure?.error);
  }

  /** One more chunk was delivered to the caller. */
  countChunk(): void {
    const record: { chunks: number } = this.record;
    // Written directly, for this happens for every chunk.
    try {
      record.chunks = ++this.#delivered;
    } catch {
      // frozen
    }
  }

  /** Closes the source, then the model's stack. What they throw is recorded. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { signal } = this.#controller;
    if (this.#source) {
      await this.#runCloseSteps(this.#source.closeSteps(signal.reason));
    }
    if (!this.#stack.isEmpty) {
      await this.#runCloseSteps(this.#stack.closeSteps());
    }
    this.#call.log.emit("closed", this.record);
  }

  /** Closes a source that arrived after the attempt had ended. */
  #closeLate(given: unknown): void {
    while (isInstance(given, MappedSource)) given = given.source;
    const source = new Source(given);
    try {
      source.start(this.model);
    } catch {
      // There is nothing to read, but there may be something to dispose of.
    }
    const { reason } = this.#controller.signal;
    void this.#runCloseSteps(source.closeSteps(reason));
  }

  async #runCloseSteps(steps: readonly (() => unknown)[]): Promise<void> {
    const { closeMs } = this.#call.chain.timeouts;
    if (await closeWithin(closeMs, steps, this)) return;
    this.noteCloseError(new ModelTimeoutError(this.model, "close", closeMs));
  }

  /** Keeps what closing threw, unless it only repeats why the attempt ended. */
  noteCloseError(error: unknown): void {
    const kept = withoutErrors(error, (each) => this.#isExpected(each));
    if (!kept) return;
    this.closeError = this.closeError
      ? { error: new SuppressedError(kept.error, this.closeError.error) }
      : kept;
    writeRecord(this.record, "closeError", this.closeError.error);
  }

  #isExpected(error: unknown): boolean {
    if (this.failure && error === this.failure.error) return true;
    const { aborted, reason } = this.#controller.signal;
    return aborted &&
      (error === reason || getProperty(error, "cause") === reason ||
        getProperty(error, "name") === "AbortError");
  }
}

/** The record of an attempt that starts now. */
export function newRecord<Request, Chunk>(
  { name, modelId, provider }: Model<Request, Chunk>,
  modelIndex: number,
  number: number,
): Attempt {
  const record: { -readonly [Key in keyof Attempt]: Attempt[Key] } = {
    model: name,
    modelIndex,
    number,
    startedAt: Date.now(),
    outcome: "pending",
    chunks: 0,
  };
  if (modelId !== undefined) record.modelId = modelId;
  if (provider !== undefined) record.provider = provider;
  return record;
}
