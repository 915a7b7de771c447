/**
 * The options of a call.
 *
 * @module
 */

import type { Attempt } from "./attempt.ts";
import type { FallbackListener } from "./events.ts";
import type { HealthStore } from "./health.ts";

/** `Error`, or a class that extends it. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * Tests an error: a class of errors, or a predicate.
 *
 * @typeParam Args What a predicate receives besides the error.
 * @typeParam Answer What a predicate returns.
 */
export type ErrorTest<Args extends readonly unknown[] = [], Answer = boolean> =
  | ErrorClass
  | ((error: unknown, ...args: Args) => Answer);

/**
 * Which errors an option applies to: a class of errors, a predicate, or a list
 * of them, of which any may accept. Only `fallbackOn` may be asynchronous.
 *
 * @typeParam Args What a predicate receives besides the error.
 * @typeParam Answer What a predicate returns.
 */
export type ErrorCondition<
  Args extends readonly unknown[] = [],
  Answer = boolean,
> = ErrorTest<Args, Answer> | readonly ErrorTest<Args, Answer>[];

/**
 * A duration in milliseconds, from 0 to 2,147,483,647, or a function that
 * returns it for a model by its name. The function is called once per attempt,
 * when the attempt starts. `undefined` is no limit, and numbers outside of the
 * range are clamped to it. If the function throws or returns anything else,
 * that attempt fails with a `TypeError`, before anything is opened.
 */
export type Milliseconds = number | ((model: string) => number | undefined);

/**
 * Options of {@linkcode fallbackStream}.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface FallbackOptions<Request, Chunk> {
  /**
   * Cancels the call. It ends with the signal's reason, once everything that is
   * open has been closed or abandoned, and never falls back.
   */
  signal?: AbortSignal | undefined;
  /**
   * Which failures open the next model. Any other failure is thrown unchanged.
   * A condition replaces the default, and may be asynchronous.
   *
   * @default {() => true}
   */
  fallbackOn?:
    | ErrorCondition<[attempt: Attempt], boolean | PromiseLike<boolean>>
    | undefined;
  /**
   * {@linkcode Model.isContent} for models that do not define it.
   *
   * @default {() => true}
   */
  isContent?: ((chunk: Chunk) => boolean) | undefined;
  /**
   * {@linkcode Model.isFinal} for models that do not define it. Without it,
   * every end is the end of a complete answer.
   */
  isFinal?: ((chunk: Chunk) => boolean) | undefined;
  /**
   * Accepts a stream that ends without any content. Otherwise it fails with an
   * {@linkcode EmptyStreamError}.
   *
   * @default {false}
   */
  allowEmpty?: boolean | undefined;
  /** How long each phase may take. By default only closing has a limit. */
  timeouts?: Timeouts | undefined;
  /** Tries the same model again before the next one. Off by default. */
  retry?: RetryOptions | undefined;
  /** Opens the next model beside one that is slow. Off by default. */
  hedge?: HedgeOptions | undefined;
  /**
   * Remembers over many calls which models are down, so that they are skipped:
   * `memoryHealth()` of `./health`, `kvHealth()` of `./kv`, `redisHealth()` of
   * `./redis`, or your own. Skipped models are tried last, when every other
   * model has failed. Off by default.
   */
  health?: HealthStore | undefined;
  /**
   * Receives every event of the call, in order: one listener, or a list. What
   * it throws or returns is ignored.
   */
  onEvent?: FallbackListener | readonly FallbackListener[] | undefined;
}

/**
 * How long each phase may take, in milliseconds from 0 to 2,147,483,647;
 * fractions are rounded up. A phase that takes longer ends with a
 * {@linkcode ModelTimeoutError}, even if the model ignores its signal. Only
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
   * back. (`timeout.firstChunkMs` of the AI SDK.)
   */
  firstContentMs?: Milliseconds | undefined;
  /**
   * For each chunk after the first content, in milliseconds. It runs only while
   * the caller waits in `next()`, so a slow caller never triggers it. Ends the
   * stream. (`timeout.chunkMs` of the AI SDK.)
   */
  idleMs?: Milliseconds | undefined;
  /**
   * For the whole call, until its end is delivered, in milliseconds. Ends the
   * call as an abort does, without a fallback.
   */
  totalMs?: number | undefined;
  /**
   * For closing a source, in milliseconds, and the same again for what the
   * model put on its stack. What has not settled by then is abandoned, and the
   * timeout is recorded as `closeError`.
   *
   * @default {1000}
   */
  closeMs?: number | undefined;
}

/**
 * When the same model is tried again: after a failure before its first content
 * that `fallbackOn` accepts. Disable the retries of the provider's SDK when you
 * use this, or attempts multiply.
 *
 * By default the whole delay is random, the "full jitter" of "Exponential
 * Backoff and Jitter" on the AWS Architecture Blog (2015).
 */
export interface RetryOptions {
  /**
   * How many attempts each model gets, the first one included.
   *
   * @default {3}
   */
  maxAttempts?: number | undefined;
  /**
   * The delay before the second attempt, in milliseconds. By default at most
   * `maxDelayMs`.
   *
   * @default {500}
   */
  minDelayMs?: number | undefined;
  /**
   * The longest delay, in milliseconds. If the provider asks for a longer one
   * (`Retry-After`), the next model is tried instead. By default at least
   * `minDelayMs`.
   *
   * @default {10_000}
   */
  maxDelayMs?: number | undefined;
  /**
   * Factor by which the delay grows after each attempt.
   *
   * @default {2}
   */
  multiplier?: number | undefined;
  /**
   * The part of the delay that is random, from 0 (none) to 1 (all). A delay that
   * the provider asks for is honored exactly.
   *
   * @default {1}
   */
  jitter?: number | undefined;
  /**
   * Which failures are worth another attempt on the same model. By default
   * those for which {@linkcode isTransient} holds, but none of this module's
   * own errors: a model that was silent or cut off its answer is not tried
   * again. What it throws ends the call with a `SuppressedError`.
   */
  isRetriable?: ErrorCondition<[attempt: Attempt]> | undefined;
}

/**
 * When the next model is opened beside those that run. The first content wins,
 * the others are aborted and closed.
 *
 * The idea, and the 95th percentile as the time to wait, are from Dean and
 * Barroso, "The Tail at Scale" (2013).
 */
export interface HedgeOptions {
  /**
   * How long the youngest running model may be without content, in
   * milliseconds. A good start is the time within which 95 % of its answers
   * begin. A function receives the name of the model that is slow.
   */
  afterMs: Milliseconds;
  /**
   * How many models may run at once.
   *
   * @default {2}
   */
  maxInFlight?: number | undefined;
  /** Limits the hedges over many calls. No limit by default. */
  budget?: HedgeBudget | undefined;
}

/**
 * Limits hedges over many calls. {@linkcode hedgeBudget} makes one. What it
 * throws ends the call.
 */
export interface HedgeBudget {
  /** Called when a call begins. */
  earn(): void;
  /**
   * Called before a model is opened beside another.
   *
   * @returns Whether it may be opened.
   */
  take(): boolean;
}
