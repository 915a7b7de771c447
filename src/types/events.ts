/**
 * What `onEvent` receives.
 *
 * @module
 */

import type { Attempt } from "./attempt.ts";

/** Receives the events of calls. What it throws or returns is ignored. */
export type FallbackListener = (event: FallbackEvent) => unknown;

/**
 * Something that happened during a call:
 *
 * - `started`: `stream()` of a model is about to be called
 * - `opened`: `stream()` returned a source
 * - `committed`: the first content arrived; from now on it is this model
 * - `failed`, `interrupted`, `completed`, `cancelled`, `lost`, `skipped`: the
 *   attempt has ended
 * - `retrying`: the same model will be tried again after `delayMs`
 * - `hedging`: `attempt` is slow, the next model is opened beside it
 * - `closed`: everything that the attempt opened has been closed or abandoned
 */
export type FallbackEvent =
  | AttemptEvent
  | FailureEvent
  | CancelledEvent
  | RetryingEvent
  | HedgingEvent;

/** What all events have in common. */
export interface FallbackEventBase {
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
  /** All attempts of the call so far, first to last. The records are live. */
  readonly attempts: readonly Attempt[];
}

/** A step of an attempt that is not a failure. */
export interface AttemptEvent extends FallbackEventBase {
  /** What happened. */
  readonly type:
    | "started"
    | "opened"
    | "committed"
    | "completed"
    | "lost"
    | "closed";
  /** The attempt. */
  readonly attempt: Attempt;
}

/** An attempt has failed, or was not started. */
export interface FailureEvent extends FallbackEventBase {
  /** What happened. */
  readonly type: "failed" | "interrupted" | "skipped";
  /** The attempt. */
  readonly attempt: Attempt;
  /** Why. For `skipped`, a `CircuitOpenError`. */
  readonly error: unknown;
}

/** An attempt was canceled, or the call was, between two attempts. */
export interface CancelledEvent extends FallbackEventBase {
  /** What happened. */
  readonly type: "cancelled";
  /** The attempt; absent if the call was canceled between two attempts. */
  readonly attempt?: Attempt;
  /**
   * Why: the reason of the caller's signal, a timeout, or the failure that
   * ended the call. Absent if the caller closed the stream.
   */
  readonly error?: unknown;
}

/** The same model will be tried again. */
export interface RetryingEvent extends FallbackEventBase {
  /** What happened. */
  readonly type: "retrying";
  /** The attempt that failed. */
  readonly attempt: Attempt;
  /** Why it failed. */
  readonly error: unknown;
  /** How long the call waits before the next attempt, in milliseconds. */
  readonly delayMs: number;
}

/** The next model is opened beside one that is slow. */
export interface HedgingEvent extends FallbackEventBase {
  /** What happened. */
  readonly type: "hedging";
  /** The slow attempt. */
  readonly attempt: Attempt;
}
