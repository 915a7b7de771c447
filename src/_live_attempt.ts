// One attempt: a model's stream from its opening to its close. Opening is a
// plain loop that asks "am I over?" after every wait. Whoever waits for it waits
// at a gate that giving up opens too, so that a model which never answers holds
// nobody.

import type { Call, Failure } from "./_call.ts";
import { closeWithin, strip } from "./_close.ts";
import { CommittedStream } from "./_committed_stream.ts";
import { ModelStack } from "./_model_stack.ts";
import { Source } from "./_source.ts";
import {
  EmptyStreamError,
  ModelTimeoutError,
  TruncatedStreamError,
} from "./errors.ts";
import type {
  Attempt,
  FallbackOptions,
  Model,
  ModelContext,
  Outcome,
} from "./types.ts";

/** How many chunks are held back at most; one more commits. */
const MOST_HELD = 1024;

/** Where an inner chain hangs its records under the attempt that runs it. */
export const nest: unique symbol = Symbol("nest");

/** A {@linkcode ModelContext} as an inner chain knows it. */
export interface NestingContext extends ModelContext {
  [nest]?(attempts: readonly Attempt[]): void;
}

/** What can judge chunks: a model, or the options where it has no say. */
type Judge<Chunk> = Pick<
  FallbackOptions<never, Chunk>,
  "isContent" | "isFinal"
>;

/** A model's attempt; disposing of it closes everything that it has opened. */
export class LiveAttempt<Request, Chunk> implements AsyncDisposable {
  readonly record: { -readonly [Key in keyof Attempt]: Attempt[Key] };
  /** What came before the first content and with it, for the caller. */
  readonly held: Chunk[] = [];
  /** The model's stream, once it is open. */
  source: Source<Chunk> | undefined;
  /** The answer of an inner chain, where this model is one. */
  inner: CommittedStream<Chunk> | undefined;
  /** The final chunk was seen. */
  isFinished = false;
  readonly #call: Call<Request, Chunk>;
  readonly #model: Model<Request, Chunk>;
  readonly #contentJudge: Judge<Chunk> | undefined;
  readonly #finalJudge: Judge<Chunk> | undefined;
  readonly #controller = new AbortController();
  readonly #stack: ModelStack;
  #refuse!: (error: unknown) => void;
  #openClock: ReturnType<typeof setTimeout> | undefined;
  #contentClock: ReturnType<typeof setTimeout> | undefined;
  /** The source came to its end by itself. */
  #natural = false;
  /** The outcome is settled; what still arrives is too late. */
  #over = false;

  constructor(
    call: Call<Request, Chunk>,
    model: Model<Request, Chunk>,
    index: number,
  ) {
    const { options } = call.chain;
    this.#call = call;
    this.#model = model;
    const judges: Judge<Chunk>[] = [model, options];
    this.#contentJudge = judges.find((judge) => judge.isContent);
    this.#finalJudge = judges.find((judge) => judge.isFinal);
    this.#stack = new ModelStack(this.#controller.signal, this.#note);
    this.record = {
      model: model.name,
      index,
      attempt: call.attempts.length + 1,
      startedAt: Date.now(),
      outcome: "pending",
      chunks: 0,
    };
    if (model.provider !== undefined) this.record.provider = model.provider;
    call.attempts.push(this.record);
    call.running.add(this);
  }

  /**
   * Opens the model's stream and holds what comes until there is content.
   *
   * @returns A promise that resolves when the model is committed, and rejects
   * when the attempt fails or is stopped, whatever the model does.
   */
  commit(request: Request): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      this.#call.emit("attempt", this.record, this.record.startedAt);
      if (this.#over) return;
      const { openMs, contentMs } = this.#call.chain.clocks;
      this.#openClock = this.#clock("open", openMs);
      this.#contentClock = this.#clock("content", contentMs);
      this.#call.around(() => this.#open(request), this.record)
        .then(resolve, (error) => this.#fail(error));
    });
  }

  async #open(request: Request): Promise<void> {
    const { record } = this;
    const given = await this.#model.stream(request, this.#context());
    const source = new Source(given);
    if (this.#over) return this.#closeLate(source);
    this.source = source;
    source.start();
    clearTimeout(this.#openClock);
    record.openedAt = Date.now();
    if (given instanceof CommittedStream) {
      this.inner = given;
      record.nested = given.attempts;
    }
    this.#call.emit("open", record, record.openedAt);
    const content = await this.#holdUntilContent(source);
    if (this.#over) return;
    if (!content && !this.#call.chain.options.allowEmpty) {
      throw new EmptyStreamError(record.model);
    }
    clearTimeout(this.#contentClock);
    record.outcome = "streaming";
    if (content) {
      record.contentAt = Date.now();
      this.#call.emit("content", record, record.contentAt);
    }
    if (!this.#over) this.#call.commit(this);
  }

  /** Whether content came before the end; asks "am I over?" after all that waits or is the caller's code. */
  async #holdUntilContent(source: Source<Chunk>): Promise<boolean> {
    while (!this.#over) {
      const result = await this.#pull(source);
      if (this.#over || this.isEnd(result)) return false;
      this.held.push(result.value);
      if (this.held.length > MOST_HELD) return true;
      if (this.#isContent(result.value)) return true;
    }
    return false;
  }

  async #pull(source: Source<Chunk>): Promise<IteratorResult<Chunk>> {
    try {
      return await source.pull();
    } catch (error) {
      source.exhausted = true;
      throw error;
    }
  }

  #isContent(chunk: Chunk): boolean {
    const judge = this.#contentJudge;
    return judge?.isContent ? judge.isContent(chunk) : true;
  }

  /**
   * Looks at what the source gave; every result passes here once.
   *
   * @returns Whether it is the end.
   * @throws {TruncatedStreamError} If it is the end of a cut answer.
   */
  isEnd(result: IteratorResult<Chunk>): boolean {
    if (!result.done) {
      if (this.#finalJudge?.isFinal?.(result.value)) this.isFinished = true;
      return false;
    }
    this.#natural = this.source!.exhausted = true;
    if (!this.#finalJudge || this.isFinished) return true;
    throw new TruncatedStreamError(this.record.model);
  }

  #context(): NestingContext {
    return {
      signal: this.#controller.signal,
      stack: this.#stack,
      model: this.record.model,
      attempt: this.record.attempt,
      [nest]: (attempts) => this.record.nested = attempts,
    };
  }

  #clock(phase: "open" | "content", ms: number | undefined) {
    if (ms === undefined) return undefined;
    return setTimeout(
      () => this.#fail(new ModelTimeoutError(this.record.model, phase, ms)),
      ms,
    );
  }

  #fail(error: unknown): void {
    // Before 2.7 Deno may run a timer that was cleared when it was due.
    if (this.record.outcome !== "pending") return;
    this.end("failed", { error });
    this.#call.report(this.record.model, "failure", { error });
    this.#refuse(error);
  }

  /** The call is stopped from outside, or another model was faster. */
  stop(outcome: "cancelled" | "lost", failure?: Failure): void {
    this.end(outcome, failure);
    this.#call.report(this.record.model, "released");
    this.#refuse(failure?.error);
  }

  /** Settles the outcome, and tells the model. Closing is left to do. */
  end(
    outcome: Exclude<Outcome, "pending" | "streaming">,
    failure?: Failure,
  ): void {
    const { record } = this;
    this.#over = true;
    this.#call.running.delete(this);
    clearTimeout(this.#openClock);
    clearTimeout(this.#contentClock);
    record.outcome = outcome;
    record.endedAt = Date.now();
    if (failure) record.error = failure.error;
    this.#stack.seal();
    this.#call.emit(outcome, record, record.endedAt, failure);
    if (!this.#natural) this.#controller.abort(failure?.error);
  }

  /** Closes the source, then the model's stack; what they throw is recorded. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { source } = this;
    if (source) {
      await this.#take(source.closing(this.#controller.signal.reason));
    }
    await this.#take(this.#stack.closing());
    this.#call.emit("closed", this.record);
  }

  /** Closes a source that came when nobody waited for it any more. */
  async #closeLate(source: Source<Chunk>): Promise<void> {
    try {
      source.start();
    } catch {
      // There is nothing to read, but perhaps something to dispose of.
    }
    await this.#take(source.closing(this.#controller.signal.reason));
  }

  async #take(steps: (() => unknown)[]): Promise<void> {
    const { closeMs } = this.#call.chain.clocks;
    if (steps.length === 0) return;
    if (await closeWithin(closeMs, steps, this.#note)) return;
    this.#note(new ModelTimeoutError(this.record.model, "close", closeMs));
  }

  /** Keeps what closing threw, unless it only echoes what we know already. */
  readonly #note = (error: unknown): void => {
    const { record } = this;
    const kept = strip(error, (error) => this.#isEcho(error));
    if (kept.length === 0) return;
    record.closeError = "closeError" in record
      ? new SuppressedError(kept[0], record.closeError)
      : kept[0];
  };

  #isEcho(error: unknown): boolean {
    const { record } = this;
    const { aborted, reason } = this.#controller.signal;
    if ("error" in record && error === record.error) return true;
    if (!aborted) return false;
    const { name, cause } = Object(error);
    return error === reason || cause === reason || name === "AbortError";
  }
}
