/**
 * The errors that callers may want to catch.
 *
 * @module
 */

import type { Attempt } from "./types.ts";

/** The phase of an attempt or call that took too long. */
export type TimeoutPhase = "open" | "content" | "idle" | "total" | "close";

const MISSING: Record<TimeoutPhase, string> = {
  open: "no stream",
  content: "no content",
  idle: "no further chunk",
  total: "no complete answer",
  close: "not closed",
};

/**
 * No model of the chain answered. `errors` holds one error per failed attempt,
 * in the order of the attempts; the message names each model with its error,
 * also those that were skipped.
 *
 * Modelled on pydantic-ai's `FallbackExceptionGroup`.
 */
export class AllModelsFailedError extends AggregateError {
  /** The records of the call, first to last. */
  readonly attempts: readonly Attempt[];

  /**
   * Collects the errors of the failed attempts.
   *
   * @param attempts The records of the call, first to last.
   */
  constructor(attempts: readonly Attempt[]) {
    const ended = attempts.filter((attempt) => "error" in attempt);
    const reasons = ended.map(({ model, error }) =>
      `${model}: ${messageOf(error)}`
    );
    const failed = ended.filter(({ outcome }) => outcome !== "skipped");
    super(
      failed.map(({ error }) => error),
      `All models failed: ${reasons.join("; ")}`,
    );
    this.name = "AllModelsFailedError";
    this.attempts = attempts;
  }
}

/** A phase took longer than its clock in {@linkcode Timeouts} allows. */
export class ModelTimeoutError extends Error {
  /** The model that was running. */
  readonly model: string;
  /** The phase that took too long. */
  readonly phase: TimeoutPhase;
  /** How long it was allowed to take, in milliseconds. */
  readonly ms: number;

  /**
   * Makes the error.
   *
   * @param model The model that was running.
   * @param phase The phase that took too long.
   * @param ms How long it was allowed to take, in milliseconds.
   */
  constructor(model: string, phase: TimeoutPhase, ms: number) {
    super(`${MISSING[phase]} within ${ms} ms`);
    this.name = "ModelTimeoutError";
    this.model = model;
    this.phase = phase;
    this.ms = ms;
  }
}

/** A stream ended by itself without any content. */
export class EmptyStreamError extends Error {
  /** The model whose stream it was. */
  readonly model: string;

  /**
   * Makes the error.
   *
   * @param model The model whose stream it was.
   */
  constructor(model: string) {
    super("the stream ended without any content");
    this.name = "EmptyStreamError";
    this.model = model;
  }
}

/** A stream ended by itself without the chunk that ends a complete answer. */
export class TruncatedStreamError extends Error {
  /** The model whose stream it was. */
  readonly model: string;

  /**
   * Makes the error.
   *
   * @param model The model whose stream it was.
   */
  constructor(model: string) {
    super("the stream ended before its final chunk");
    this.name = "TruncatedStreamError";
    this.model = model;
  }
}

/** A model was not asked, for the {@linkcode HealthStore} says it is down. */
export class CircuitOpenError extends Error {
  /** The model that was skipped. */
  readonly model: string;
  /** When it is worth asking again, in milliseconds since the epoch. */
  readonly retryAt: number;

  /**
   * Makes the error. Its message says how much time is left.
   *
   * @param model The model that was skipped.
   * @param retryAt When it is worth asking again, in milliseconds since the
   * epoch.
   */
  constructor(model: string, retryAt: number) {
    super(`circuit open for another ${Math.max(0, retryAt - Date.now())} ms`);
    this.name = "CircuitOpenError";
    this.model = model;
    this.retryAt = retryAt;
  }
}

const OUR_OWN = [
  AllModelsFailedError,
  CircuitOpenError,
  EmptyStreamError,
  ModelTimeoutError,
  TruncatedStreamError,
];

/** Whether an error is one of this module, and not a provider's. */
export function isOurOwn(error: unknown): boolean {
  return OUR_OWN.some((ours) => error instanceof ours);
}

/** What an error says; anything can be thrown, also what cannot be printed. */
export function messageOf(error: unknown): string {
  try {
    const { message } = Object(error);
    return typeof message === "string" && message ? message : String(error);
  } catch {
    return typeof error;
  }
}
