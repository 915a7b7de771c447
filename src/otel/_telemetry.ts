// Turns the events of calls into spans and metrics.

import {
  type Attributes,
  context,
  type MeterProvider,
  metrics,
  ProxyTracerProvider,
  trace,
} from "@opentelemetry/api";
import { getProperty, isInstance } from "../_shared/safe_access.ts";
import { firstAttemptsArray } from "../engine/call_log.ts";
import type { runInContext, TracingListener } from "../engine/listener.ts";
import { AllModelsFailedError } from "../errors.ts";
import type { Attempt, Outcome } from "../types/attempt.ts";
import type { FallbackEvent } from "../types/events.ts";
import { type AttemptSpan, CallSpan, SCOPE } from "./_call_span.ts";
import {
  createInstruments,
  hasMeter,
  type Instruments,
} from "./_instruments.ts";
import { OpenCircuits } from "./_open_circuits.ts";

/** What a provider of tracers returns while no SDK is registered. */
const NOOP_PROVIDER = new ProxyTracerProvider().getDelegate();

/** The open spans, and the metric instruments. */
export class Telemetry {
  readonly #operation: string;
  readonly #recordErrors: boolean;
  /** By the array of the call's attempts. */
  readonly #calls = new WeakMap<readonly Attempt[], CallSpan>();
  /** Ends the spans of streams that nobody has closed. */
  readonly #abandoned = new FinalizationRegistry<CallSpan>((call) =>
    this.#abandon(call)
  );
  #meterProvider: MeterProvider | undefined;
  #instruments: Instruments | undefined;
  #openCircuits = new OpenCircuits();

  constructor(operation: string, recordErrors: boolean) {
    this.#operation = operation;
    this.#recordErrors = recordErrors;
  }

  /** Whether an SDK is registered, for spans or for metrics. */
  isEnabled(): boolean {
    const provider = trace.getTracerProvider();
    const isProxy = provider instanceof ProxyTracerProvider;
    return !isProxy || provider.getDelegate() !== NOOP_PROVIDER ||
      hasMeter(SCOPE);
  }

  readonly runInContext: NonNullable<TracingListener[typeof runInContext]> = (
    run,
    attempts,
    attempt,
  ) => {
    const key = firstAttemptsArray(attempts);
    if (!attempt) return this.#traceCall(run, key);
    const span = this.#calls.get(key)?.attempts.get(attempt);
    return span ? context.with(span.context, run) : run();
  };

  async #traceCall(
    run: () => Promise<unknown>,
    attempts: readonly Attempt[],
  ): Promise<void> {
    this.#findInstruments();
    const isContinued = attempts.length > 0;
    const call = new CallSpan(
      this.#operation,
      this.#recordErrors,
      isContinued,
    );
    this.#calls.set(attempts, call);
    this.#abandoned.register(attempts, call, call);
    try {
      await context.with(call.context, run);
      call.isOpen = true;
      const { cancellation } = call;
      if (cancellation) {
        this.#endCall(call, "cancelled", cancellation.at, cancellation.error);
      }
    } catch (error) {
      const isFailure = call.failures.has(error) ||
        isInstance(error, AllModelsFailedError) &&
          firstAttemptsArray(error.attempts) === attempts ||
        isInstance(error, SuppressedError) &&
          call.failures.has(getProperty(error, "suppressed"));
      this.#endCall(
        call,
        isFailure ? "failed" : "cancelled",
        Date.now(),
        error,
      );
    }
  }

  /** Instruments belong to the SDK that was registered when they were made. */
  #findInstruments(): void {
    const provider = metrics.getMeterProvider();
    if (provider === this.#meterProvider || !hasMeter(SCOPE)) return;
    this.#meterProvider = provider;
    this.#instruments = createInstruments(provider.getMeter(SCOPE));
    this.#openCircuits = new OpenCircuits();
  }

  onEvent(event: FallbackEvent): void {
    const { type, at, attempt } = event;
    const call = this.#calls.get(firstAttemptsArray(event.attempts));
    if (!call || !attempt) return;
    const model = { "fallback.model": attempt.model };
    switch (type) {
      case "started":
        call.startAttempt(attempt);
        return;
      case "committed":
        return this.#onCommitted(call, attempt, at);
      case "retrying":
        this.#instruments?.retries.add(1, model);
        call.span.addEvent("fallback.retry", {
          ...model,
          "fallback.delay": event.delayMs / 1000,
        }, new Date(at));
        return;
      case "hedging":
        call.slow.add(attempt);
        this.#instruments?.hedges.add(1, model);
        call.span.addEvent("fallback.hedge", model, new Date(at));
        return;
      case "skipped":
        return this.#onSkipped(call, model, at);
      case "failed":
        call.failures.add(event.error);
        return this.#endAttempt(call, attempt, type, at, event.error);
      case "lost":
        return this.#endAttempt(call, attempt, type, at);
      case "completed":
      case "interrupted":
      case "cancelled": {
        const error = getProperty(event, "error");
        this.#endAttempt(call, attempt, type, at, error);
        // A call that is rejected ends where it was started.
        if (type !== "cancelled" || call.isOpen) {
          this.#endCall(call, type, at, error);
        } else if (attempt === call.committed) {
          call.cancellation = { at, error };
        }
      }
    }
  }

  #onCommitted(call: CallSpan, attempt: Attempt, at: number): void {
    call.committed = attempt;
    const attemptSpan = call.attempts.get(attempt);
    if (!attemptSpan) return;
    const { span, attributes, startedAt } = attemptSpan;
    attemptSpan.firstContentAt = at;
    const seconds = (at - startedAt) / 1000;
    span.setAttribute("gen_ai.response.time_to_first_chunk", seconds);
    const waited = (at - call.startedAt) / 1000;
    call.span.setAttribute("fallback.time_to_first_content", waited);
    // Copies: an SDK may keep what it is given, and ours goes on.
    this.#instruments?.timeToFirstChunk.record(seconds, { ...attributes });
    // The caller of a call that continues an answer has content already.
    if (!call.isContinued) {
      this.#instruments?.callTimeToFirstContent.record(waited, {
        "gen_ai.operation.name": this.#operation,
        "fallback.needed": attempt.modelIndex > 0,
      });
    }
    const model = { "fallback.model": attempt.model };
    if (call.slow.size > 0 && !call.slow.has(attempt)) {
      this.#instruments?.hedgesWon.add(1, model);
    }
    if (this.#openCircuits.close(attempt.model)) {
      this.#instruments?.circuitsClosed.add(1, model);
    }
  }

  #onSkipped(
    call: CallSpan,
    model: { readonly "fallback.model": string },
    at: number,
  ): void {
    call.span.addEvent("fallback.skipped", model, new Date(at));
    this.#instruments?.skips.add(1, model);
    if (!this.#openCircuits.open(model["fallback.model"])) return;
    this.#instruments?.circuitsOpened.add(1, model);
    // Both counters exist from now on, so that a query can subtract them.
    this.#instruments?.circuitsClosed.add(0, model);
  }

  #endAttempt(
    call: CallSpan,
    attempt: Attempt,
    outcome: Outcome | "abandoned",
    at: number,
    error?: unknown,
  ): void {
    const span = call.endAttempt(attempt, outcome, at, error);
    if (!span || !this.#instruments) return;
    const { attributes, startedAt } = span;
    this.#recordTokens(attempt, attributes);
    // The garbage collector decides when an abandoned stream ends.
    if (outcome === "abandoned") return;
    this.#instruments.duration.record((at - startedAt) / 1000, attributes);
    this.#recordChunks(attempt, span, at);
  }

  #recordTokens({ usage }: Attempt, attributes: Attributes): void {
    const { tokenUsage, inputTokens, outputTokens } = this.#instruments!;
    const record = (
      type: "input" | "output",
      tokens: number | undefined,
      counter: typeof inputTokens,
    ) => {
      if (tokens === undefined) return;
      tokenUsage.record(tokens, { ...attributes, "gen_ai.token.type": type });
      counter.add(tokens, attributes);
    };
    record("input", usage?.inputTokens, inputTokens);
    record("output", usage?.outputTokens, outputTokens);
  }

  /** There is no event per chunk, so this is the mean of an answer. */
  #recordChunks(
    { chunks }: Attempt,
    { attributes, firstContentAt }: AttemptSpan,
    at: number,
  ): void {
    if (firstContentAt === undefined || chunks < 2) return;
    const seconds = (at - firstContentAt) / 1000 / (chunks - 1);
    this.#instruments!.timePerOutputChunk.record(seconds, attributes);
  }

  #endCall(
    call: CallSpan,
    outcome: Outcome | "abandoned",
    at: number,
    error?: unknown,
  ): void {
    this.#abandoned.unregister(call);
    const attributes = call.end(outcome, at, error);
    const seconds = (at - call.startedAt) / 1000;
    if (outcome !== "abandoned") {
      this.#instruments?.callDuration.record(seconds, attributes);
    }
    this.#instruments?.callAttempts.record(call.attempts.size, attributes);
    if (call.isContinued) this.#instruments?.continuations.add(1, attributes);
  }

  /** The stream was dropped without being closed, and is gone. */
  #abandon(call: CallSpan): void {
    const now = Date.now();
    const { committed } = call;
    if (committed) this.#endAttempt(call, committed, "abandoned", now);
    this.#endCall(call, "abandoned", now);
  }
}
