/**
 * Calls and attempts as OpenTelemetry spans and metrics.
 *
 * @module
 */

import {
  type Attributes,
  type Context,
  context,
  type MeterProvider,
  metrics,
  ProxyTracerProvider,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { AllModelsFailedError, ModelTimeoutError } from "../errors.ts";
import { messageOf } from "../_shared/error_text.ts";
import { runInContext, type TracingListener } from "../engine/listener.ts";
import { statusOf } from "../_shared/http_status.ts";
import type { Attempt } from "../types/attempt.ts";
import type { FallbackEvent, FallbackListener } from "../types/events.ts";
import { hasMeter, type Instruments, makeInstruments } from "./_instruments.ts";

/** Options of {@linkcode instrument}. */
export interface InstrumentOptions {
  /**
   * What the models do, `gen_ai.operation.name`.
   *
   * @default {"chat"}
   */
  readonly operation?: string | undefined;
  /**
   * Whether errors are recorded with their messages. A provider's message may
   * quote what it was asked.
   *
   * @default {false}
   */
  readonly recordErrors?: boolean | undefined;
}

/** Who it is that tells. */
const SCOPE = "@fallback/stream";

/**
 * Makes a listener for `onEvent` that tells OpenTelemetry of calls and
 * attempts. One can be shared by many calls.
 *
 * @param options What is told.
 * @returns The listener.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { instrument } from "@fallback/stream/otel";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const models = [
 *   fakeModel("gpt", [step.fail(new Error("overloaded"))]),
 *   fakeModel("llama", ["Hello"]),
 * ];
 * await using stream = await fallbackStream(models, "hi", {
 *   onEvent: instrument(),
 * });
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * ```
 */
export function instrument(options: InstrumentOptions = {}): FallbackListener {
  const telemetry = new Telemetry(options);
  const listener: TracingListener = (event) => telemetry.hear(event);
  return Object.defineProperty(listener, runInContext, {
    // Nothing is wrapped while nobody listens.
    get: () => telemetry.isHeard() ? telemetry.around : undefined,
  });
}

/** A call that is being told of. */
interface CallStory {
  readonly span: Span;
  readonly context: Context;
  readonly startedAt: number;
  readonly attempts: Map<Attempt, AttemptStory>;
  /** Its answer is being read. */
  isCommitted: boolean;
}

/** One of its attempts. */
interface AttemptStory {
  readonly span: Span;
  readonly context: Context;
  readonly attributes: Attributes;
}

/** What is known of the calls that run, and whom it is told. */
class Telemetry {
  readonly #options: InstrumentOptions;
  readonly #operation: string;
  readonly #calls = new WeakMap<readonly Attempt[], CallStory>();
  #meterProvider: MeterProvider | undefined;
  #instruments: Instruments | undefined;

  constructor(options: InstrumentOptions) {
    this.#options = options;
    this.#operation = options.operation ?? "chat";
  }

  /** Whether an SDK is registered, for spans or for metrics. */
  isHeard(): boolean {
    const provider = trace.getTracerProvider();
    const isProxy = provider instanceof ProxyTracerProvider;
    return !isProxy || provider.getDelegate() !== NOBODY || hasMeter(SCOPE);
  }

  readonly around: NonNullable<TracingListener[typeof runInContext]> = (
    run,
    attempts,
    attempt,
  ) => {
    const call = this.#calls.get(attempts);
    const story = attempt && call?.attempts.get(attempt);
    if (story) return context.with(story.context, run);
    return attempt ? run() : this.#tellCall(run, attempts);
  };

  async #tellCall(
    run: () => Promise<unknown>,
    attempts: readonly Attempt[],
  ): Promise<void> {
    this.#findInstruments();
    const startedAt = Date.now();
    const span = tracer().startSpan(this.#operation, {
      kind: SpanKind.INTERNAL,
      startTime: new Date(startedAt),
      attributes: { "gen_ai.operation.name": this.#operation },
    });
    const call: CallStory = {
      span,
      context: trace.setSpan(context.active(), span),
      startedAt,
      attempts: new Map(),
      isCommitted: false,
    };
    this.#calls.set(attempts, call);
    try {
      await context.with(call.context, run);
      call.isCommitted = true;
      const ended = attempts.find(({ outcome }) => outcome === "cancelled");
      if (!ended) return;
      const { outcome, error } = ended;
      this.#endCall(call, attempts, outcome, Date.now(), error);
    } catch (error) {
      const outcome = isFailure(error, attempts) ? "failed" : "cancelled";
      this.#endCall(call, attempts, outcome, Date.now(), error);
    }
  }

  /** Instruments belong to the SDK that was registered when they were made. */
  #findInstruments(): void {
    const provider = metrics.getMeterProvider();
    if (provider === this.#meterProvider || !hasMeter(SCOPE)) return;
    this.#meterProvider = provider;
    this.#instruments = makeInstruments(provider.getMeter(SCOPE));
  }

  hear(event: FallbackEvent): void {
    const { type, at, attempt, attempts } = event;
    const call = this.#calls.get(attempts);
    if (!call || !attempt) return;
    const model = { "gen_ai.request.model": attempt.model };
    switch (type) {
      case "started":
        this.#storyOf(call, attempt);
        return;
      case "committed":
        return this.#tellContent(call, attempt);
      case "retrying":
        call.span.addEvent("fallback.retry", {
          ...model,
          "fallback.delay": event.delayMs / 1000,
        }, new Date(at));
        return;
      case "hedging":
        this.#instruments?.hedges.add(1, model);
        call.span.addEvent("fallback.hedge", model, new Date(at));
        return;
      case "skipped":
        call.span.addEvent("fallback.skipped", model, new Date(at));
        return;
      case "failed":
      case "lost":
        return this.#endAttempt(call, attempt);
      case "completed":
      case "interrupted":
      case "cancelled":
        this.#endAttempt(call, attempt);
        if (type === "cancelled" && !call.isCommitted) return;
        return this.#endCall(call, attempts, type, at, attempt.error);
    }
  }

  /** An attempt begins when it is first heard of. */
  #storyOf(call: CallStory, attempt: Attempt): AttemptStory {
    let story = call.attempts.get(attempt);
    if (!story) {
      story = this.#beginAttempt(call, attempt);
      call.attempts.set(attempt, story);
    }
    return story;
  }

  #beginAttempt(call: CallStory, attempt: Attempt): AttemptStory {
    const { model, provider, startedAt } = attempt;
    const attributes: Attributes = {
      "gen_ai.operation.name": this.#operation,
      "gen_ai.request.model": model,
      ...(provider !== undefined && { "gen_ai.provider.name": provider }),
    };
    const span = tracer().startSpan(`${this.#operation} ${model}`, {
      kind: SpanKind.CLIENT,
      startTime: new Date(startedAt),
      attributes: {
        ...attributes,
        "gen_ai.request.stream": true,
        "fallback.attempt": attempt.number,
      },
    }, call.context);
    return { span, context: trace.setSpan(call.context, span), attributes };
  }

  #tellContent(call: CallStory, attempt: Attempt): void {
    const { span, attributes } = this.#storyOf(call, attempt);
    const seconds = (attempt.firstContentAt! - attempt.startedAt) / 1000;
    attributes["gen_ai.response.model"] = answering(attempt);
    span.setAttribute("gen_ai.response.time_to_first_chunk", seconds);
    // A copy: an SDK may keep what it is given, and ours goes on.
    this.#instruments?.timeToFirstChunk.record(seconds, { ...attributes });
  }

  #endAttempt(call: CallStory, attempt: Attempt): void {
    const { span, attributes } = this.#storyOf(call, attempt);
    const { outcome, startedAt, endedAt, error } = attempt;
    attributes["fallback.outcome"] = outcome;
    this.#tellError(span, attributes, outcome, error);
    span.setAttributes(attributes);
    span.end(new Date(endedAt!));
    const seconds = (endedAt! - startedAt) / 1000;
    this.#instruments?.duration.record(seconds, attributes);
  }

  #endCall(
    call: CallStory,
    attempts: readonly Attempt[],
    outcome: Attempt["outcome"],
    at: number,
    error?: unknown,
  ): void {
    const { span, startedAt } = call;
    this.#calls.delete(attempts);
    const attributes: Attributes = {
      "gen_ai.operation.name": this.#operation,
      "fallback.outcome": outcome,
    };
    const answered = attempts.findLast(hasContent);
    if (call.isCommitted && answered) {
      attributes["gen_ai.response.model"] = answering(answered);
    }
    this.#tellError(span, attributes, outcome, error);
    const made = call.attempts.size;
    span.setAttributes({ ...attributes, "fallback.attempts": made });
    span.end(new Date(at));
    this.#instruments?.callDuration.record((at - startedAt) / 1000, attributes);
    this.#instruments?.callAttempts.record(made, attributes);
  }

  /** Whoever was cancelled by a person has not failed. */
  #tellError(
    span: Span,
    attributes: Attributes,
    outcome: Attempt["outcome"],
    error: unknown,
  ): void {
    const isError = outcome === "failed" || outcome === "interrupted" ||
      outcome === "cancelled" && isTimeout(error);
    if (!isError) return;
    attributes["error.type"] = typeOf(error);
    const { recordErrors } = this.#options;
    if (recordErrors) recordException(span, error);
    span.setStatus({
      code: SpanStatusCode.ERROR,
      ...(recordErrors && { message: messageOf(error) }),
    });
  }
}

/** What a provider of spans hands out while no SDK is registered. */
const NOBODY = new ProxyTracerProvider().getDelegate();

function tracer(): Tracer {
  return trace.getTracer(SCOPE);
}

/** Whether a call has failed, and was not cancelled. */
function isFailure(error: unknown, attempts: readonly Attempt[]): boolean {
  const isOfOne = (error: unknown) =>
    attempts.some((attempt) =>
      attempt.outcome === "failed" && attempt.error === error
    );
  if (isOfOne(error)) return true;
  return safely(() =>
    error instanceof AllModelsFailedError
      ? error.attempts === attempts
      : error instanceof SuppressedError && isOfOne(error.suppressed)
  ) ?? false;
}

function hasContent({ firstContentAt }: Attempt): boolean {
  return firstContentAt !== undefined;
}

/** The model that answers, the innermost of nested chains. */
function answering({ model, nested = [] }: Attempt): string {
  const inner = nested.findLast(hasContent);
  return inner ? answering(inner) : model;
}

/** `error.type`: its status or its name. */
function typeOf(error: unknown): string {
  const type = safely(() =>
    `${statusOf(error) ?? (error instanceof Error ? error.name : "")}`
  );
  return type || "_OTHER";
}

/** Whether it was a clock that cancelled. */
function isTimeout(error: unknown): boolean {
  return safely(() => error instanceof ModelTimeoutError) ?? false;
}

function recordException(span: Span, error: unknown): void {
  safely(() =>
    span.recordException(error instanceof Error ? error : messageOf(error))
  );
}

/** Looks at something that was thrown, which may be anything. */
function safely<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
