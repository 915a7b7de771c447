// Calls a model without a chain: this creates the context of one attempt.

import type { ModelContext } from "@fallback/stream";

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
