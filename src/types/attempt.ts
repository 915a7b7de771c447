/**
 * The record of an attempt.
 *
 * @module
 */

/**
 * What became of an attempt:
 *
 * - `pending`: opening, or waiting for content
 * - `streaming`: committed, its chunks go to the caller
 * - `completed`: the stream ended
 * - `failed`: it failed before its first content
 * - `interrupted`: it failed after its first content
 * - `cancelled`: by the caller, by `totalMs`, or by the failure of another
 *   attempt that ended the call
 * - `lost`: another model was faster
 * - `skipped`: not started, because the model's circuit is open
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

/**
 * Tokens that a provider has counted. A field that the provider did not report
 * is absent; it is never zero by default, and never estimated.
 */
export interface Usage {
  /** Tokens of the request. */
  inputTokens?: number | undefined;
  /** Tokens of the answer. */
  outputTokens?: number | undefined;
  /** Tokens of the request and the answer together. */
  totalTokens?: number | undefined;
  /** The part of the input tokens that came from a cache. */
  cachedInputTokens?: number | undefined;
  /** The part of the output tokens that was reasoning. */
  reasoningTokens?: number | undefined;
}

/**
 * The record of one attempt. Times are in milliseconds since the epoch.
 *
 * A record is a plain object, the same one for the whole call; it is updated as
 * the attempt goes on. `error`, `usage` and the times are absent until they are
 * known.
 */
export interface Attempt {
  /** The name of the model in the list. */
  readonly model: string;
  /** What the provider calls the model, if the model says so. */
  readonly modelId?: string;
  /** Who serves the model, if the model says so. */
  readonly provider?: string;
  /** The position of the model in the list, from 0. */
  readonly modelIndex: number;
  /** The number of this attempt within the call, from 1. */
  readonly number: number;
  /** When `stream()` was called, or the model was skipped. */
  readonly startedAt: number;
  /** When `stream()` had settled. */
  readonly openedAt?: number;
  /** When the first content arrived. */
  readonly firstContentAt?: number;
  /** When it failed, was canceled or skipped, or ended. */
  readonly endedAt?: number;
  /** What became of it. */
  readonly outcome: Outcome;
  /** How many chunks were delivered to the caller. */
  readonly chunks: number;
  /** The tokens that the model has reported so far. */
  readonly usage?: Usage;
  /**
   * Why the model stopped, in the provider's word; only where the model says so
   * and the word is not a usual one such as `"stop"`.
   */
  readonly finishReason?: string;
  /** Why it failed, was interrupted, canceled or skipped. */
  readonly error?: unknown;
  /** The error that closing threw. Several are one `SuppressedError`. */
  readonly closeError?: unknown;
  /** The attempts of a nested chain. */
  readonly nested?: readonly Attempt[];
}
