// The listeners of a call, and the hook by which a tracer runs parts of a call
// inside a context, such as an active span.

import { assertArgument } from "../_shared/arguments.ts";
import { ignoreErrors } from "../_shared/ignore_errors.ts";
import type { Attempt } from "../types/attempt.ts";
import type { FallbackListener } from "../types/events.ts";

/** The key of the hook of a {@linkcode TracingListener}. */
export const runInContext: unique symbol = Symbol("runInContext");

/** A listener that also runs parts of a call inside a context. */
export interface TracingListener extends FallbackListener {
  /**
   * Runs a part of a call. Without `attempt` the part is the whole call, until
   * it is committed or has failed; with one it is code of that model: opening
   * the stream, or one pull. It must call `run` before it returns. What it
   * throws or returns is ignored.
   */
  [runInContext]?(
    run: () => Promise<unknown>,
    attempts: readonly Attempt[],
    attempt?: Attempt,
  ): unknown;
}

/** Most calls have no listeners: an array that they share. */
const NONE: readonly TracingListener[] = [];

/** Checks and copies `onEvent`. */
export function parseListeners(
  onEvent: FallbackListener | readonly FallbackListener[] | undefined,
): readonly TracingListener[] {
  if (onEvent === undefined) return NONE;
  const listeners = [onEvent].flat() as TracingListener[];
  for (const listener of listeners) {
    assertArgument(
      typeof listener === "function",
      "options.onEvent",
      "be a function, or a list of functions",
      listener,
    );
  }
  return listeners;
}

/** The listeners that have a hook, the innermost first. */
export function tracingListeners(
  listeners: readonly TracingListener[],
): readonly TracingListener[] {
  if (listeners.length === 0) return NONE;
  return listeners.filter((listener) => {
    try {
      return typeof listener[runInContext] === "function";
    } catch {
      return false; // a getter that throws
    }
  }).reverse();
}

/** Runs a part of a call inside the contexts of the hooks, whatever they do. */
export function runTraced<T>(
  hooks: readonly TracingListener[],
  run: () => Promise<T>,
  attempts: readonly Attempt[],
  attempt?: Attempt,
): Promise<T> {
  for (const hook of hooks) {
    const inner = run;
    let running: Promise<T> | undefined;
    const once = () => running ??= inner();
    run = () => {
      ignoreErrors(() => hook[runInContext]!(once, attempts, attempt));
      return once();
    };
  }
  return run();
}
