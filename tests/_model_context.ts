// The context that a model gets for one attempt, to test a model without a chain.

import type { ModelContext } from "@fallback/stream";

/** A context with its owner's side; disposing of it closes what was opened. */
export interface OwnedModelContext extends AsyncDisposable {
  readonly context: ModelContext;
  /** Aborts the attempt's signal. */
  abort(reason?: unknown): void;
}

/** Creates the context of a first attempt of the model `"fake"`. */
export function createModelContext(): OwnedModelContext {
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
    // Errors of closing are not what these tests check.
    [Symbol.asyncDispose]: () => stack.disposeAsync().catch(() => {}),
  };
}
