// One call: its identity, how it is canceled, and the report after its end.

import { ignoreErrors } from "../_shared/ignore_errors.ts";
import { attemptsOf } from "../attempts_of.ts";
import type { Attempt, Usage } from "../types/attempt.ts";
import { usageOf } from "../usage_of.ts";
import type { CallReport, ResolvedOptions } from "./options.ts";

/** The status of a call whose client has left. */
export const CLIENT_LEFT = 499;

/** A call of a client, from its request to the end of the response. */
export class GatewayCall {
  readonly requestId: string;
  readonly client: string | undefined;
  /** The model that the client asked for, once it is known to exist. */
  model: string | undefined;
  /** The attempts, once a model answers. */
  attempts: readonly Attempt[] | undefined;
  readonly #options: ResolvedOptions;
  readonly #startedAt = performance.now();
  readonly #controller = new AbortController();
  readonly #clientSignal: AbortSignal;
  readonly #onEnd: () => void;

  constructor(
    options: ResolvedOptions,
    requestId: string,
    client: string | undefined,
    clientSignal: AbortSignal,
    onEnd: () => void,
  ) {
    this.#options = options;
    this.requestId = requestId;
    this.client = client;
    this.#clientSignal = clientSignal;
    this.#onEnd = onEnd;
    if (clientSignal.aborted) this.leave();
    else clientSignal.addEventListener("abort", this.leave);
  }

  /** Aborts when the client leaves. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasLeft(): boolean {
    return this.#controller.signal.aborted;
  }

  /** The client has left. */
  readonly leave = (): void => {
    this.#controller.abort(new DOMException("The client left", "AbortError"));
  };

  /** The call has ended, and everything is closed. Called once; must not throw. */
  end(status: number, error?: unknown): void {
    this.#clientSignal.removeEventListener("abort", this.leave);
    this.#onEnd();
    const attempts = this.attempts ?? attemptsOf(error);
    let usage: Usage = {};
    // A listener may have changed the records.
    ignoreErrors(() => {
      usage = usageOf(attempts);
    });
    const { requestId, client, model } = this;
    reportCall(this.#options, {
      requestId,
      client,
      model,
      attempts,
      usage,
      status: this.hasLeft ? CLIENT_LEFT : status,
      durationMs: Math.round(performance.now() - this.#startedAt),
      ...(error !== undefined && { error }),
    });
  }
}

/** Calls `onCall`. */
export function reportCall(
  { onCall }: ResolvedOptions,
  report: CallReport,
): void {
  if (onCall) ignoreErrors(() => onCall(report));
}
