/**
 * Error classes that callers may want to catch.
 *
 * @module
 */

import { errorText, oneLine } from "./_shared/error_text.ts";
import { isInstance } from "./_shared/safe_access.ts";
import type { Attempt } from "./types/attempt.ts";

/** The phase of an attempt or call that took too long. */
export type TimeoutPhase = "open" | "firstContent" | "idle" | "total" | "close";

const TIMEOUT_MESSAGES: Record<TimeoutPhase, string> = {
  open: "opened no stream",
  firstContent: "sent no content",
  idle: "sent no further chunk",
  total: "did not complete the answer",
  close: "did not close",
};

/**
 * No model of the chain answered. `errors` holds one error per failed attempt,
 * in the order of the attempts. The message has one line per model, with the
 * error of its last attempt.
 *
 * Modeled on pydantic-ai's `FallbackExceptionGroup`.
 *
 * @example The message
 * ```ts
 * import { AllModelsFailedError, fallbackStream } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const models = [
 *   fakeModel("a", [step.fail(new Error("overloaded"))]),
 *   fakeModel("b", [step.fail(new Error("no such model"))]),
 * ];
 * await assertRejects(
 *   () => fallbackStream(models, "hi"),
 *   AllModelsFailedError,
 *   "All models failed:\na: overloaded\nb: no such model",
 * );
 * ```
 */
export class AllModelsFailedError extends AggregateError {
  /** The attempts of the call, first to last. Not enumerable. */
  declare readonly attempts: readonly Attempt[];

  /**
   * Constructs the error from the attempts of a call.
   *
   * @param attempts The attempts of the call, first to last.
   */
  constructor(attempts: readonly Attempt[]) {
    const failed = attempts.filter((attempt) =>
      "error" in attempt && attempt.outcome !== "skipped"
    );
    super(
      failed.map(({ error }) => error),
      ["All models failed:", ...linesOf(attempts)].join("\n"),
    );
    this.name = "AllModelsFailedError";
    // An inspected error prints each failure once, not once more per record.
    Object.defineProperty(this, "attempts", {
      value: attempts,
      configurable: true,
    });
  }
}

/** One line per model, in list order, from its last attempt. */
function linesOf(attempts: readonly Attempt[]): string[] {
  const last = new Map<number, Attempt>();
  for (const attempt of attempts) {
    if ("error" in attempt) last.set(attempt.modelIndex, attempt);
  }
  return [...last.values()]
    .sort((a, b) => a.modelIndex - b.modelIndex)
    .map(({ model, error }) =>
      `${oneLine(model)}: ${oneLine(errorText(error))}`
    );
}

/**
 * A phase took longer than {@linkcode Timeouts} allows.
 *
 * @example A call that takes too long
 * ```ts
 * import { fallbackStream, ModelTimeoutError } from "@fallback/stream";
 * import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const models = [fakeModel("slow", [step.hang()])];
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
   * Constructs the error.
   *
   * @param model The model that was running.
   * @param phase The phase that took too long.
   * @param ms How long it was allowed to take, in milliseconds.
   */
  constructor(model: string, phase: TimeoutPhase, ms: number) {
    super(
      `Model ${JSON.stringify(model)} ${
        TIMEOUT_MESSAGES[phase]
      } within ${ms} ms (timeouts.${phase}Ms)`,
    );
    this.name = "ModelTimeoutError";
    this.model = model;
    this.phase = phase;
    this.ms = ms;
  }
}

/**
 * A stream ended without any content, and `allowEmpty` is not set.
 *
 * @example The next model answers
 * ```ts
 * import { EmptyStreamError, fallbackStream } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertInstanceOf } from "@std/assert";
 *
 * const models = [fakeModel("mute", [step.end()]), fakeModel("b", ["Hello"])];
 * await using stream = await fallbackStream(models, "hi");
 * assertInstanceOf(stream.attempts[0]?.error, EmptyStreamError);
 * ```
 */
export class EmptyStreamError extends Error {
  /** The model whose stream it was. */
  readonly model: string;
  /** Why the model stopped, as the provider names the reason, if it does. */
  declare readonly finishReason?: string;

  /**
   * Constructs the error.
   *
   * @param model The model whose stream it was.
   * @param finishReason Why the model stopped, if the model reports it.
   */
  constructor(model: string, finishReason?: string) {
    const reason = finishReason === undefined
      ? ""
      : `, finish_reason ${JSON.stringify(oneLine(finishReason))}`;
    super(
      `Stream of ${
        JSON.stringify(model)
      } ended without content${reason} (set allowEmpty to accept this)`,
    );
    this.name = "EmptyStreamError";
    this.model = model;
    if (finishReason !== undefined) this.finishReason = finishReason;
  }
}

/**
 * A stream ended without the chunk that ends a complete answer (`isFinal`).
 *
 * @example A truncated answer is not complete
 * ```ts
 * import { fallbackStream, TruncatedStreamError } from "@fallback/stream";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const models = [fakeModel("truncated", ["Once", " upon"])];
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
   * Constructs the error.
   *
   * @param model The model whose stream it was.
   */
  constructor(model: string) {
    super(
      `Stream of ${
        JSON.stringify(model)
      } ended before its final chunk (isFinal)`,
    );
    this.name = "TruncatedStreamError";
    this.model = model;
  }
}

/**
 * A model was skipped, because the {@linkcode HealthStore} reports its circuit
 * as open. It is the `error` of that attempt's record; no call throws it.
 *
 * @example A model that is skipped
 * ```ts
 * import { CircuitOpenError, fallbackStream } from "@fallback/stream";
 * import { memoryHealth } from "@fallback/stream/health";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertInstanceOf } from "@std/assert";
 *
 * const health = memoryHealth({ failureThreshold: 1 });
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
  /** When to check again, in milliseconds since the epoch. */
  readonly retryAt: number;

  /**
   * Constructs the error. Its message has the remaining time.
   *
   * @param model The model that was skipped.
   * @param retryAt When to check again, in milliseconds since the
   * epoch.
   */
  constructor(model: string, retryAt: number) {
    const ms = Math.max(0, retryAt - Date.now());
    super(
      `Circuit of ${
        JSON.stringify(model)
      } is open for another ${ms} ms (health)`,
    );
    this.name = "CircuitOpenError";
    this.model = model;
    this.retryAt = retryAt;
  }
}

const OWN_ERRORS: readonly (abstract new (...args: never[]) => Error)[] = [
  AllModelsFailedError,
  CircuitOpenError,
  EmptyStreamError,
  ModelTimeoutError,
  TruncatedStreamError,
];

/** Whether an error is one of this module, and not one of a provider. */
export function isFallbackError(error: unknown): error is Error {
  return OWN_ERRORS.some((own) => isInstance(error, own));
}
