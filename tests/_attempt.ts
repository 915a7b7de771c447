// An attempt as a chain makes it, by hand: to drive a model alone.

import type { ModelContext } from "@fallback/stream";

/** What one call of a model needs; disposing of it closes what was opened. */
export interface HandMadeAttempt extends AsyncDisposable {
  readonly context: ModelContext;
  /** Gives the attempt up. */
  abort(reason?: unknown): void;
}

export function makeAttempt(): HandMadeAttempt {
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
    // What was read to its end, or broke, makes no difference to a test any more.
    [Symbol.asyncDispose]: () => stack.disposeAsync().catch(() => {}),
  };
}
