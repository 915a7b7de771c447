// The open spans of one call.

import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { messageOf } from "../_shared/error_text.ts";
import { statusOf } from "../_shared/http_status.ts";
import { isInstance } from "../_shared/safe_access.ts";
import { finishNoteOf } from "../engine/finish_note.ts";
import { ModelTimeoutError } from "../errors.ts";
import type { Attempt, Outcome } from "../types/attempt.ts";
import { errorTypeOf, providerAttributes } from "./_providers.ts";

/** The instrumentation scope. */
export const SCOPE = "@fallback/stream";

export function tracer(): Tracer {
  return trace.getTracer(SCOPE);
}

/** The span of an attempt. */
export interface AttemptSpan {
  readonly span: Span;
  readonly context: Context;
  readonly startedAt: number;
  /** What its metrics have in common. */
  readonly attributes: Attributes;
  /** When the first content arrived. */
  firstContentAt?: number;
}

/** The span of a call, and those of its attempts. */
export class CallSpan {
  readonly span: Span;
  readonly context: Context;
  readonly startedAt: number = Date.now();
  readonly attempts = new Map<Attempt, AttemptSpan>();
  /** The failures of its attempts. */
  readonly failures = new Set<unknown>();
  /** Whether it continues an answer that broke off. */
  readonly isContinued: boolean;
  /** The attempts that were slow. */
  readonly slow = new Set<Attempt>();
  /** The attempt that answers. */
  committed: Attempt | undefined;
  /** How that attempt was canceled before the caller had the stream. */
  cancellation: { readonly at: number; readonly error: unknown } | undefined;
  /** Whether the caller has the stream. */
  isOpen = false;
  readonly #operation: string;
  readonly #recordErrors: boolean;

  constructor(operation: string, recordErrors: boolean, isContinued: boolean) {
    this.#operation = operation;
    this.#recordErrors = recordErrors;
    this.isContinued = isContinued;
    this.span = tracer().startSpan(operation, {
      kind: SpanKind.INTERNAL,
      startTime: new Date(this.startedAt),
      attributes: {
        "gen_ai.operation.name": operation,
        ...(isContinued && { "fallback.continued": true }),
      },
    });
    this.context = trace.setSpan(context.active(), this.span);
  }

  /** Starts the span of an attempt. */
  startAttempt(attempt: Attempt): AttemptSpan {
    const { model, modelId, provider, startedAt } = attempt;
    const attributes: Attributes = {
      "gen_ai.operation.name": this.#operation,
      ...providerAttributes(provider),
      "gen_ai.request.model": modelId ?? model,
      "fallback.model": model,
    };
    const span = tracer().startSpan(`${this.#operation} ${modelId ?? model}`, {
      kind: SpanKind.CLIENT,
      startTime: new Date(startedAt),
      attributes: {
        ...attributes,
        "gen_ai.request.stream": true,
        "fallback.attempt": attempt.number,
      },
    }, this.context);
    const attemptSpan: AttemptSpan = {
      span,
      context: trace.setSpan(this.context, span),
      startedAt,
      attributes,
    };
    this.attempts.set(attempt, attemptSpan);
    return attemptSpan;
  }

  /** Ends the span of an attempt. Its attributes are those of its metrics. */
  endAttempt(
    attempt: Attempt,
    outcome: Outcome | "abandoned",
    at: number,
    error: unknown,
  ): AttemptSpan | undefined {
    const attemptSpan = this.attempts.get(attempt);
    if (!attemptSpan) return undefined;
    const { span, attributes } = attemptSpan;
    const note = finishNoteOf(attempt);
    attributes["fallback.outcome"] = outcome;
    if (attemptSpan.firstContentAt !== undefined) {
      attributes["gen_ai.response.model"] = responseModel(attempt);
    }
    this.#addError(span, attributes, outcome, error);
    span.setAttributes({
      ...attributes,
      ...usageAttributes(attempt),
      ...(note?.reason && {
        "gen_ai.response.finish_reasons": [note.reason],
      }),
    });
    span.end(new Date(at));
    return attemptSpan;
  }

  /** Ends the span of the call. Returns the attributes of its metrics. */
  end(
    outcome: Outcome | "abandoned",
    at: number,
    error?: unknown,
  ): Attributes {
    const attributes: Attributes = {
      "gen_ai.operation.name": this.#operation,
      "fallback.outcome": outcome,
    };
    if (this.committed) {
      attributes["gen_ai.response.model"] = responseModel(this.committed);
    }
    this.#addError(this.span, attributes, outcome, error);
    this.span.setAttributes({
      ...attributes,
      "fallback.attempts": this.attempts.size,
    });
    this.span.end(new Date(at));
    return attributes;
  }

  /** A cancellation by the user is not an error; one by a timeout is. */
  #addError(
    span: Span,
    attributes: Attributes,
    outcome: Outcome | "abandoned",
    error: unknown,
  ): void {
    const isError = outcome === "failed" || outcome === "interrupted" ||
      outcome === "cancelled" && isInstance(error, ModelTimeoutError);
    if (!isError) return;
    attributes["error.type"] = errorTypeOf(error, statusOf(error));
    if (!this.#recordErrors) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      return;
    }
    const message = messageOf(error);
    try {
      span.recordException(isInstance(error, Error) ? error : message);
    } catch {
      // an error that cannot be read
    }
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
}

/** The model that has answered, as its server calls it if that is known. */
function responseModel(attempt: Attempt): string {
  const { model, modelId, nested = [] } = attempt;
  const inner = nested.findLast(({ firstContentAt }) =>
    firstContentAt !== undefined
  );
  if (inner) return responseModel(inner);
  return finishNoteOf(attempt)?.model ?? modelId ?? model;
}

function usageAttributes({ usage }: Attempt): Attributes {
  const attributes: Attributes = {};
  const add = (name: string, tokens: number | undefined) => {
    if (tokens !== undefined) attributes[name] = tokens;
  };
  add("gen_ai.usage.input_tokens", usage?.inputTokens);
  add("gen_ai.usage.output_tokens", usage?.outputTokens);
  add("gen_ai.usage.cache_read.input_tokens", usage?.cachedInputTokens);
  add("gen_ai.usage.reasoning.output_tokens", usage?.reasoningTokens);
  return attributes;
}
