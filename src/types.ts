/**
 * What callers and models see of a fall-back stream: types only.
 *
 * @module
 */

/**
 * What a model's `stream()` gives: its chunks, as an async iterable (an async
 * generator, a provider's stream object) or as a `ReadableStream`.
 *
 * A `ReadableStream` is read by a reader, so that it can be cancelled while a
 * read is pending. If the source has `Symbol.asyncDispose` or `Symbol.dispose`,
 * that is called when the attempt is closed.
 *
 * @typeParam Chunk The type of one piece of an answer.
 */
export type StreamSource<Chunk> = AsyncIterable<Chunk> | ReadableStream<Chunk>;

/**
 * Opens one stream of a model. That it throws or rejects is a failure of the
 * attempt; that it never settles is one where `openMs` or `contentMs` is set.
 *
 * @typeParam Request What is asked.
 * @typeParam Chunk The type of one piece of an answer.
 * @param request What is asked.
 * @param context The signal and the stack of the attempt, and which one it is.
 * @returns The stream.
 */
export type ModelFunction<Request, Chunk> = (
  request: Request,
  context: ModelContext,
) => StreamSource<Chunk> | PromiseLike<StreamSource<Chunk>>;

/**
 * A language model that can be asked for a stream.
 *
 * @typeParam Request What is asked.
 * @typeParam Chunk The type of one piece of an answer.
 */
export interface Model<Request, Chunk> {
  /** Names the model in records, events and errors. */
  readonly name: string;
  /** Who serves the model, for instance `"openai"`. */
  readonly provider?: string | undefined;
  /** Opens one stream of the model. */
  readonly stream: ModelFunction<Request, Chunk>;
  /**
   * Does this chunk prove that the model is answering? Until one does, chunks
   * are held back, at most 1,024, and the next model can still take over.
   * Without it, every chunk does. What it throws is a failure of the attempt.
   *
   * @param chunk A chunk; none any more once one was content.
   * @returns Whether it does.
   */
  isContent?(chunk: Chunk): boolean;
  /**
   * Is this the chunk that ends a complete answer? Where it is given, a stream
   * that ends without such a chunk is a truncation, hence a failure, and so is
   * what it throws.
   *
   * @param chunk A chunk; each one, once.
   * @returns Whether it is.
   */
  isFinal?(chunk: Chunk): boolean;
}

/**
 * A model, or just the function that opens its stream. A function is named by
 * its `name`, or else by its place: `"model-1"`.
 *
 * @typeParam Request What is asked.
 * @typeParam Chunk The type of one piece of an answer.
 */
export type ModelLike<Request, Chunk> =
  | Model<Request, Chunk>
  | ModelFunction<Request, Chunk>;

/** What a model gets besides the request, anew for every attempt. */
export interface ModelContext {
  /**
   * Aborts when this attempt is given up or fails, with what ended it as the
   * reason. It does not abort after the source has ended by itself.
   */
  readonly signal: AbortSignal;
  /**
   * Where the model puts what has to be closed with this attempt, last in
   * first out. What is put there after the attempt has ended is closed at once,
   * and that call throws the signal's reason, or a `ReferenceError` where the
   * source had ended by itself.
   */
  readonly stack: Pick<AsyncDisposableStack, "use" | "adopt" | "defer">;
  /** The name of the model. */
  readonly model: string;
  /** Which attempt of the whole call this is, from 1. */
  readonly attempt: number;
}

/**
 * One model's answer: its chunks in order, pulled from the model only when the
 * caller pulls.
 *
 * Closing it (`break`, `return()`, `throw()`, `await using`) closes the model's
 * stream at once, also while a `next()` is pending. The first `return()` or
 * disposal throws what closing threw, if anything.
 *
 * @typeParam Chunk The type of one piece of an answer.
 */
export interface FallbackStream<Chunk>
  extends AsyncIterableIterator<Chunk, undefined, undefined>, AsyncDisposable {
  /** The name of the model that answers; in nested chains, of the innermost one. */
  readonly model: string;
  /** What was tried, first to last. The records are live. */
  readonly attempts: readonly Attempt[];
  /**
   * Pulls the next chunk. Concurrent calls are answered in order. It throws
   * once, when everything is closed or given up; after that it gives `done`.
   *
   * @returns The chunk, or `done` once the stream has ended and is closed.
   *
   * @throws {ModelTimeoutError} If `idleMs` or `totalMs` has run out.
   * @throws {TruncatedStreamError} If the model ends without its final chunk.
   * @throws What the model, or `isFinal`, throws in mid-answer, as it is.
   * @throws The reason of the caller's signal, if that aborts.
   */
  next(): Promise<IteratorResult<Chunk, undefined>>;
  /**
   * Closes the model's stream; every pending `next()` is answered `done`.
   *
   * @returns `done`, once everything is closed or given up.
   *
   * @throws What closing threw, once, but not that it took too long.
   */
  return(): Promise<IteratorReturnResult<undefined>>;
  /**
   * Closes the model's stream like {@linkcode FallbackStream.return}, then
   * rejects with `error`.
   *
   * @param error What to reject with.
   * @returns Nothing: it always rejects.
   *
   * @throws Always `error`.
   */
  throw(error?: unknown): Promise<IteratorResult<Chunk, undefined>>;
  /** The stream itself. */
  [Symbol.asyncIterator](): this;
  /**
   * The rest of the answer as a `ReadableStream` that reads nothing ahead.
   * Cancelling it closes the model's stream.
   *
   * @returns A stream over the same chunks as this iterator.
   */
  toReadableStream(): ReadableStream<Chunk>;
}

/**
 * Options of {@linkcode fallbackStream}.
 *
 * @typeParam Request What is asked.
 * @typeParam Chunk The type of one piece of an answer.
 */
export interface FallbackOptions<Request, Chunk> {
  /**
   * Cancels the call: it ends with the signal's reason once everything that is
   * open has been closed or given up. Nothing falls back on it.
   */
  signal?: AbortSignal | undefined;
  /**
   * Which failures open the next model: error classes, predicates, or a list
   * of which any may accept. Any other failure is thrown as it is.
   *
   * @default {() => true}
   */
  fallbackOn?: FallbackCondition | readonly FallbackCondition[] | undefined;
  /**
   * {@linkcode Model.isContent} for models that bring none of their own.
   *
   * @default {() => true}
   */
  isContent?: ((chunk: Chunk) => boolean) | undefined;
  /**
   * {@linkcode Model.isFinal} for models that bring none of their own. Where
   * there is none, every end is taken for that of a complete answer.
   */
  isFinal?: ((chunk: Chunk) => boolean) | undefined;
  /**
   * Whether a stream that ends without any content is an answer. Otherwise it
   * is a failure, {@linkcode EmptyStreamError}.
   *
   * @default {false}
   */
  allowEmpty?: boolean | undefined;
  /** How long each phase may take. Without it, only closing has a limit. */
  timeouts?: Timeouts | undefined;
  /** Asks the same model again before the next one. Off unless given. */
  retry?: RetryOptions | undefined;
  /** Opens the next model beside one that is slow. Off unless given. */
  hedge?: HedgeOptions | undefined;
  /**
   * Remembers over many calls which models are down, so that they are skipped:
   * `memoryHealth()` of `./health`, `kvHealth()` of `./kv`, or your own. If
   * every model is skipped they are all tried after all. Off unless given.
   */
  health?: HealthStore | undefined;
  /**
   * Is told what happens, in the order in which it happens. What it throws or
   * returns changes nothing.
   */
  onEvent?: FallbackListener | undefined;
}

/**
 * Is told what happens in calls. A tracer's may besides wrap what runs, for
 * instance to make a span active meanwhile.
 */
export interface FallbackListener {
  /**
   * Is told what happens.
   *
   * @param event What has happened.
   */
  (event: FallbackEvent): unknown;
  /**
   * Wraps a part of a call. Without `attempt` that is the call, until it is
   * committed or has failed; with one it is that model's own code, its opening
   * or one of its pulls. It has to call `run` before it returns; what it throws
   * or returns changes nothing. Whether there is one is asked when a call begins.
   *
   * @param run Does the work.
   * @param attempts The records of the call, always the same array.
   * @param attempt The attempt whose model is run, if it is one.
   */
  around?(
    run: () => Promise<unknown>,
    attempts: readonly Attempt[],
    attempt?: Attempt,
  ): unknown;
}

/**
 * How long each phase may take, in milliseconds from 0 to 2,147,483,647;
 * fractions are rounded up. When the time is up the phase ends with a
 * {@linkcode ModelTimeoutError}, also if the model ignores its signal. Only
 * `closeMs` has a default.
 */
export interface Timeouts {
  /**
   * From the start of an attempt until `stream()` has settled, in milliseconds.
   * Falls back.
   */
  openMs?: number | undefined;
  /**
   * From the start of an attempt until its first content, in milliseconds. Falls
   * back.
   */
  contentMs?: number | undefined;
  /**
   * For each pull after the first content, in milliseconds, while the caller
   * waits: a slow caller never times a model out. Ends the stream.
   */
  idleMs?: number | undefined;
  /**
   * For the whole call, until its end is delivered, in milliseconds. Ends it as
   * an abort does.
   */
  totalMs?: number | undefined;
  /**
   * For closing a source, in milliseconds, and again for closing what the model
   * put on its stack. What has not settled by then is given up: the error is
   * only recorded, as `closeError`.
   *
   * @default {1000}
   */
  closeMs?: number | undefined;
}

/**
 * When the same model is asked again: after a failure before its first content
 * that `fallbackOn` accepts and that looks transient. Switch the retries of a
 * provider's SDK off when you use this, or both multiply.
 *
 * By default a delay is all random, the "full jitter" of "Exponential Backoff
 * and Jitter" on the AWS Architecture Blog (2015).
 */
export interface RetryOptions {
  /**
   * How often a model is asked at most, the first time included.
   *
   * @default {3}
   */
  maxAttempts?: number | undefined;
  /**
   * How long to wait before the second attempt, in milliseconds. By default no
   * more than `maxDelayMs`.
   *
   * @default {500}
   */
  minDelayMs?: number | undefined;
  /**
   * How long to wait at most, in milliseconds. If the provider asks for more
   * (`error.retryAfterMs`, or a `retry-after-ms` or `retry-after` header in
   * `error.headers`, `error.response.headers` or `error.responseHeaders`), the
   * next model's turn comes. By default no less than `minDelayMs`.
   *
   * @default {10_000}
   */
  maxDelayMs?: number | undefined;
  /**
   * By how much the delay grows from one attempt to the next.
   *
   * @default {2}
   */
  multiplier?: number | undefined;
  /**
   * Which part of a delay is random, from 0 (none) to 1 (all of it). What the
   * provider asks for is waited exactly.
   *
   * @default {1}
   */
  jitter?: number | undefined;
  /**
   * Whether a failure is worth asking the same model again. By default those
   * with status 408, 429 or 5xx, or none at all, but no error of this module:
   * a model that was silent or cut its answer is not asked again. What it
   * throws ends the call, as a `SuppressedError` over the failure.
   */
  isRetriable?: ((error: unknown) => boolean) | undefined;
}

/**
 * When the next model is opened beside those that run: the first content wins,
 * the others are aborted and closed.
 *
 * The idea, and the 95th percentile as the time to wait, are from Dean and
 * Barroso, "The Tail at Scale" (2013).
 */
export interface HedgeOptions {
  /**
   * How long the latest model may run without content, in milliseconds. A good
   * start is the time within which 95 % of its answers begin.
   */
  afterMs: number;
  /**
   * How many models may run at once.
   *
   * @default {2}
   */
  maxInFlight?: number | undefined;
  /**
   * Limits the models that are opened beside others, over many calls. No limit
   * unless given.
   */
  budget?: HedgeBudget | undefined;
}

/**
 * What hedges may cost over many calls; {@linkcode hedgeBudget} makes one. What
 * it throws ends the call.
 */
export interface HedgeBudget {
  /** A call begins. */
  earn(): void;
  /**
   * A model is about to be opened beside another.
   *
   * @returns Whether it may.
   */
  take(): boolean;
}

/**
 * Remembers which models are down. A store that throws, or has not answered
 * within 250 ms, admits.
 */
export interface HealthStore {
  /**
   * A model is about to be asked.
   *
   * @param model The model's name in the list.
   * @returns Whether it may be.
   */
  admit(model: string): Admission | PromiseLike<Admission>;
  /**
   * A model that was asked has shown what it is worth. Nobody waits for this,
   * and what it throws changes nothing.
   *
   * @param model The model's name in the list.
   * @param outcome What has become of the attempt.
   * @param error Why it failed.
   */
  report(model: string, outcome: HealthReport, error?: unknown): unknown;
}

/**
 * Whether a model may be asked; if not, when it is worth asking whether it may,
 * in milliseconds since the epoch.
 */
export type Admission = { admit: true } | { admit: false; retryAt: number };

/**
 * What a {@linkcode HealthStore} is told:
 *
 * - `success`: the first content came
 * - `failure`: it failed, or was interrupted after its `success`
 * - `released`: it was cancelled or lost, which says nothing about its health
 */
export type HealthReport = "success" | "failure" | "released";

/**
 * Accepts or refuses a failure: a class of errors, or a predicate, which may
 * be asynchronous.
 */
export type FallbackCondition =
  | ErrorClass
  | ((error: unknown, attempt: Attempt) => boolean | PromiseLike<boolean>);

/** `Error`, or a class that inherits from it. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * What has become of an attempt:
 *
 * - `pending`: opening, or waiting for content
 * - `streaming`: committed, its chunks go to the caller
 * - `completed`: it came to its end
 * - `failed`: before its first content
 * - `interrupted`: failed after its first content
 * - `cancelled`: by the caller, by `totalMs`, or by a failure beside it that
 *   ended the call
 * - `lost`: another model was faster
 * - `skipped`: it was not asked, for its circuit is open
 */
export type Outcome =
  | "pending"
  | "streaming"
  | "completed"
  | "failed"
  | "interrupted"
  | "cancelled"
  | "lost"
  | "skipped";

/** The record of one attempt. Times are in milliseconds since the epoch. */
export interface Attempt {
  /** The model's name in the list. */
  readonly model: string;
  /** Who serves the model, where it says so. */
  readonly provider?: string;
  /** The model's place in the list, from 0. */
  readonly index: number;
  /** Which attempt of the whole call this is, from 1. */
  readonly attempt: number;
  /** When `stream()` was called, or the model skipped. */
  readonly startedAt: number;
  /** When `stream()` had settled. */
  readonly openedAt?: number;
  /** When the first content came. */
  readonly contentAt?: number;
  /** When it failed, was cancelled or skipped, or came to its end. */
  readonly endedAt?: number;
  /** What has become of it. */
  readonly outcome: Outcome;
  /** How many chunks were delivered to the caller. */
  readonly chunks: number;
  /** Why it failed, was interrupted, cancelled or skipped. */
  readonly error?: unknown;
  /** What closing it threw, if anything; several are one `SuppressedError`. */
  readonly closeError?: unknown;
  /** The attempts of an inner chain. */
  readonly nested?: readonly Attempt[];
}

/**
 * Something that happened during a call:
 *
 * - `attempt`: a model is about to be asked
 * - `open`: its `stream()` gave a source
 * - `content`: its first content came, the call is committed to it
 * - `failed`, `interrupted`, `completed`, `cancelled`, `lost`: it has ended
 * - `retry`: the same model will be asked again, after `delayMs`
 * - `hedge`: the latest is slow, the next is opened beside it
 * - `skipped`: a model is not asked, for its circuit is open
 * - `closed`: everything it had opened has been closed or given up
 */
export interface FallbackEvent {
  /** What happened. */
  readonly type:
    | "attempt"
    | "open"
    | "content"
    | "failed"
    | "retry"
    | "hedge"
    | "lost"
    | "skipped"
    | "interrupted"
    | "completed"
    | "cancelled"
    | "closed";
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  /**
   * The attempt that it happened to; none where the call is cancelled between
   * two attempts.
   */
  readonly attempt?: Attempt;
  /** All attempts of the call so far, first to last. The records are live. */
  readonly attempts: readonly Attempt[];
  /**
   * Why an attempt failed, was interrupted, cancelled or skipped, or why there
   * is a `retry`.
   */
  readonly error?: unknown;
  /** How long a `retry` waits, in milliseconds. */
  readonly delayMs?: number;
}
