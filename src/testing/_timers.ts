// Which timers are pending while time is virtual, which FakeTime does not expose.
// The timers of the fakes are not tracked: they simulate a slow
// provider and are no leak of the library.

import type { OpenJournal } from "./journal.ts";

/** The journals and timers that are tracked while {@linkcode virtualTime} runs. */
export interface Watch {
  /** The journals that have recorded something since it started. */
  readonly journals: Set<OpenJournal>;
  /** The pending timers, each with its duration in milliseconds. */
  readonly pending: Map<number, number>;
}

/** The tracking of the innermost {@linkcode virtualTime}, if any runs. */
let current: Watch | undefined;
let isTracking = true;

/** Registers a journal, which then reports the timers that are left at the end. */
export function trackJournal(journal: OpenJournal): void {
  current?.journals.add(journal);
}

/** Calls `fn`, whose timers are not tracked. */
export function withoutTimerTracking<T>(fn: () => T): T {
  const before = isTracking;
  isTracking = false;
  try {
    return fn();
  } finally {
    isTracking = before;
  }
}

/** Tracks the timers that are set from now on, until it is disposed of. */
export function watchTimers(): Watch & Disposable {
  const { setTimeout, clearTimeout } = globalThis;
  const pending = new Map<number, number>();
  const watched = (
    fn: (...args: unknown[]) => void,
    ms = 0,
    ...args: unknown[]
  ) => {
    const tracks = isTracking;
    const id = setTimeout(() => {
      pending.delete(Number(id));
      fn(...args);
    }, ms);
    if (tracks) pending.set(Number(id), ms);
    return id;
  };
  globalThis.setTimeout = watched as typeof setTimeout;
  globalThis.clearTimeout = (id) => {
    pending.delete(Number(id));
    clearTimeout(id);
  };
  const outer = current;
  const watch = { journals: new Set<OpenJournal>(), pending };
  current = watch;
  return {
    ...watch,
    [Symbol.dispose]() {
      current = outer;
      Object.assign(globalThis, { setTimeout, clearTimeout });
    },
  };
}
