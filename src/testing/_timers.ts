// Which timers are pending while time is virtual: FakeTime does not tell. What
// the fakes themselves wait for is left out, for that is the provider's
// slowness, not the library's leak.

import type { OpenJournal } from "./journal.ts";

/** What is kept while {@linkcode virtualTime} runs. */
export interface Watch {
  /** The journals that have written since then. */
  readonly journals: Set<OpenJournal>;
  /** The pending timers, each with its duration in milliseconds. */
  readonly pending: Map<number, number>;
}

/** The one that is running, if any. */
let current: Watch | undefined;
let counting = true;

/** A journal has written: it learns of the timers that are left at the end. */
export function join(journal: OpenJournal): void {
  current?.journals.add(journal);
}

/** Calls `fn`, whose timers are not counted. */
export function withoutTimerTracking<T>(fn: () => T): T {
  counting = false;
  try {
    return fn();
  } finally {
    counting = true;
  }
}

/** Counts the timers that are set from now on, until it is disposed of. */
export function watchTimers(): Watch & Disposable {
  const { setTimeout, clearTimeout } = globalThis;
  const pending = new Map<number, number>();
  const watched = (
    fn: (...args: unknown[]) => void,
    ms = 0,
    ...args: unknown[]
  ) => {
    const counts = counting;
    const id = setTimeout(() => {
      pending.delete(Number(id));
      fn(...args);
    }, ms);
    if (counts) pending.set(Number(id), ms);
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
