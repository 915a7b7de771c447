// An attempt without a chain: the context with which a model is called, and a
// record.

import type { Attempt, ModelContext } from "@fallback/stream";

/** The record of an attempt that failed at once. */
export const FAILED_RECORD: Attempt = {
  model: "m",
  modelIndex: 0,
  number: 1,
  startedAt: 0,
  outcome: "failed",
  chunks: 0,
};

/** One attempt. Disposing of it disposes of what the model added to its stack. */
export interface TestAttempt extends AsyncDisposable {
  readonly context: ModelContext;
  /** Aborts the signal of the context. */
  abort(reason?: unknown): void;
}

export function createAttempt(): TestAttempt {
  const controller = new AbortController();
  const stack = new AsyncDisposableStack();
  return {
    context: {
      signal: controller.signal,
      stack,
      model: "fake",
      attemptNumber: 1,
    },
    abort: (reason) => controller.abort(reason),
    // Errors on close concern no test that uses this.
    [Symbol.asyncDispose]: () => stack.disposeAsync().catch(() => {}),
  };
}
