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
 *
 * @example What it says
 * ```ts
 * import { AllModelsFailedError, fallbackStream } from "@fallback/stream";
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const models = [
 *   fakeModel("a", [fail(new Error("overloaded"))]),
 *   fakeModel("b", [fail(new Error("no such model"))]),
 * ];
 * await assertRejects(
 *   () => fallbackStream(models, "hi"),
 *   AllModelsFailedError,
 *   "All models failed: a: overloaded; b: no such model",
 * );
 * ```
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

/**
 * A phase took longer than its clock in {@linkcode Timeouts} allows.
 *
 * @example A call that takes too long
 * ```ts
 * import { fallbackStream, ModelTimeoutError } from "@fallback/stream";
 * import { fakeModel, hang, virtualTime } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const models = [fakeModel("slow", [hang()])];
 * const timeouts = { totalMs: 60_000 };
 *
 * await virtualTime(async () => {
 *   const { phase, ms } = await assertRejects(
 *     () => fallbackStream(models, "hi", { timeouts }),
 *     ModelTimeoutError,
 *   );
 *   assertEquals([phase, ms], ["total", 60_000]);
 * });
 * ```
 */
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

/**
 * A stream ended by itself without any content, and `allowEmpty` is not set.
 *
 * @example The next model answers
 * ```ts
 * import { EmptyStreamError, fallbackStream } from "@fallback/stream";
 * import { end, fakeModel } from "@fallback/stream/testing";
 * import { assertInstanceOf } from "@std/assert";
 *
 * const models = [fakeModel("mute", [end()]), fakeModel("b", ["Hello"])];
 * await using stream = await fallbackStream(models, "hi");
 * assertInstanceOf(stream.attempts[0]?.error, EmptyStreamError);
 * ```
 */
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

/**
 * A stream ended by itself without the chunk that ends a complete answer.
 *
 * @example A cut answer is not taken for a whole one
 * ```ts
 * import { fallbackStream, TruncatedStreamError } from "@fallback/stream";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const models = [fakeModel("cut", ["Once", " upon"])];
 * await using stream = await fallbackStream(models, "hi", {
 *   isFinal: (chunk) => chunk.endsWith("."),
 * });
 * await assertRejects(() => Array.fromAsync(stream), TruncatedStreamError);
 * ```
 */
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

/**
 * A model was not asked, for the {@linkcode HealthStore} says it is down. It
 * is the `error` of that attempt's record; no call throws it.
 *
 * @example A model that is skipped
 * ```ts
 * import { CircuitOpenError, fallbackStream } from "@fallback/stream";
 * import { memoryHealth } from "@fallback/stream/health";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertInstanceOf } from "@std/assert";
 *
 * const health = memoryHealth({ failures: 1 });
 * health.report("down", "failure", new Error("overloaded"));
 *
 * const models = [fakeModel("down", ["?"]), fakeModel("up", ["Hello"])];
 * await using stream = await fallbackStream(models, "hi", { health });
 * assertInstanceOf(stream.attempts[0]?.error, CircuitOpenError);
 * ```
 */
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
