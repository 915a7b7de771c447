// A `Date.now()` that changes only when a test sets it. The circuits read no other
// clock. Timers are real, but a timeout never fires, however slow the machine is.

import { type Watch, watchTimers } from "../../src/testing/_timers.ts";

/** A longer timer is a timeout: random pauses are shorter. */
const LONGEST_PAUSE_MS = 100;

/** Stops `Date.now()` and timeouts until it is disposed of. */
export function stoppedClock(): { now: number } & Disposable {
  const { now } = Date;
  const { setTimeout } = globalThis;
  const clock = {
    now: 0,
    [Symbol.dispose]: () => {
      Date.now = now;
      globalThis.setTimeout = setTimeout;
    },
  };
  Date.now = () => clock.now;
  globalThis.setTimeout = ((run: () => void, ms = 0, ...args: []) =>
    setTimeout(
      run,
      ms > LONGEST_PAUSE_MS ? 1e9 : ms,
      ...args,
    )) as typeof setTimeout;
  return clock;
}

/** Tracks the timers that are set until it is disposed of. */
export function watchedTimers(): Pick<Watch, "pending"> & Disposable {
  const watch = watchTimers();
  return {
    pending: watch.pending,
    [Symbol.dispose]: () => {
      // A timer that is left must not keep the process alive.
      for (const id of watch.pending.keys()) clearTimeout(id);
      watch[Symbol.dispose]();
    },
  };
}
