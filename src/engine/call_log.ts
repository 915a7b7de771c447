// The output of a call: its records, its events and its reports to the health
// store. Records are shown to the caller, who may freeze them or write to them.
// So the engine writes them and never reads them.

import { ignoreErrors } from "../_shared/ignore_errors.ts";
import { AllModelsFailedError } from "../errors.ts";
import type { Attempt } from "../types/attempt.ts";
import type { FallbackEvent } from "../types/events.ts";
import type { HealthReport, HealthStore } from "../types/health.ts";
import type { Failure } from "./failure.ts";
import {
  runTraced,
  type TracingListener,
  tracingListeners,
} from "./listener.ts";

/** The end of an attempt, for {@linkcode AllModelsFailedError}. */
type Ending = Pick<
  Attempt,
  "model" | "modelIndex" | "number" | "outcome" | "error"
>;

const copiedFrom = new WeakMap<readonly Attempt[], readonly Attempt[]>();

/** The first array of records of a call, also after it had to be copied. */
export function firstAttemptsArray(
  attempts: readonly Attempt[],
): readonly Attempt[] {
  return copiedFrom.get(attempts) ?? attempts;
}

/** Writes to a record, unless somebody has made that impossible. */
export function writeRecord<Key extends keyof Attempt>(
  record: Attempt,
  key: Key,
  value: Attempt[Key],
): void {
  try {
    (record as { -readonly [key in keyof Attempt]: Attempt[key] })[key] = value;
  } catch {
    // frozen, or a setter of the caller's
  }
}

/** The listeners and the store of a call: a part of its `Chain`. */
export interface Audience {
  readonly listeners: readonly TracingListener[];
  readonly health: HealthStore | undefined;
  /** The caller's own object: listeners are called as its methods. */
  readonly options: object;
}

/** The records, events and reports of a call. */
export class CallLog {
  /** The records, first to last. */
  attempts: Attempt[] = [];
  /** The number of attempts so far. */
  count = 0;
  /** The model of the last attempt. */
  lastModel: string | undefined;
  /** The listeners that run parts of the call in a context. */
  readonly hooks: readonly TracingListener[];
  readonly #audience: Audience;
  #endings: Ending[] | undefined;
  /** The events that wait until the one before has reached all listeners. */
  #events: FallbackEvent[] | undefined;

  constructor(audience: Audience) {
    this.#audience = audience;
    this.hooks = tracingListeners(audience.listeners);
  }

  get hasListeners(): boolean {
    return this.#audience.listeners.length > 0;
  }

  add(record: Attempt): void {
    this.count++;
    this.lastModel = record.model;
    try {
      this.attempts.push(record);
    } catch {
      const copy = [...this.attempts, record];
      copiedFrom.set(copy, firstAttemptsArray(this.attempts));
      this.attempts = copy;
    }
  }

  /** Keeps why an attempt ended, for the error of the call. */
  addEnding(ending: Ending): void {
    (this.#endings ??= []).push(ending);
  }

  /** The error for a call in which every model has failed. */
  allModelsFailed(): AllModelsFailedError {
    const endings = this.#endings ?? [];
    endings.sort((a, b) => a.number - b.number);
    const error = new AllModelsFailedError(endings as Attempt[]);
    Object.defineProperty(error, "attempts", { value: this.attempts });
    return error;
  }

  /** Runs a part of the call inside the contexts of its tracing listeners. */
  runInContext<T>(run: () => Promise<T>, attempt?: Attempt): Promise<T> {
    return runTraced(this.hooks, run, this.attempts, attempt);
  }

  /** Reports an outcome to the health store. */
  report(model: string, outcome: HealthReport, failure?: Failure): void {
    const { health } = this.#audience;
    if (!health) return;
    ignoreErrors(() =>
      failure
        ? health.report(model, outcome, failure.error)
        : health.report(model, outcome)
    );
  }

  /** Emits an event. Pass `at` if it is known: `Date.now()` is measurable. */
  emit(
    type: FallbackEvent["type"],
    attempt?: Attempt,
    at?: number,
    failure?: Failure,
    delayMs?: number,
  ): void {
    if (this.#audience.listeners.length === 0) return;
    const event = {
      type,
      at: at ?? Date.now(),
      ...(attempt && { attempt }),
      attempts: this.attempts,
      ...(failure && { error: failure.error }),
      ...(delayMs !== undefined && { delayMs }),
    } as FallbackEvent;
    this.#dispatch(event);
  }

  /** A listener may cause events. They come after this one, for all listeners. */
  #dispatch(event: FallbackEvent): void {
    if (this.#events) {
      this.#events.push(event);
      return;
    }
    const { listeners, options } = this.#audience;
    const events = this.#events = [event];
    for (const each of events) {
      for (const listener of listeners) {
        ignoreErrors(() => listener.call(options, each));
      }
    }
    this.#events = undefined;
  }
}
