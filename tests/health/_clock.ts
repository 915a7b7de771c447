// A `Date.now()` that changes only when a test sets it. The circuits read no other
// clock. Timers stay real; the tests need none of them to fire.

import { type Watch, watchTimers } from "../../src/testing/_timers.ts";

/** Stops `Date.now()` until it is disposed of. */
export function stoppedClock(): { now: number } & Disposable {
  const { now } = Date;
  const clock = { now: 0, [Symbol.dispose]: () => void (Date.now = now) };
  Date.now = () => clock.now;
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
