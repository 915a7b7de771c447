// A clock that stands still until it is moved. `Date.now()` is all that the
// circuits read; timers stay real, and none of them has to fire.

import { type Watch, watchTimers } from "../../src/testing/_timers.ts";

/** Stops `Date.now()` until it is disposed of. */
export function stoppedClock(): { now: number } & Disposable {
  const { now } = Date;
  const clock = { now: 0, [Symbol.dispose]: () => void (Date.now = now) };
  Date.now = () => clock.now;
  return clock;
}

/** Tells which timers are pending of those set until it is disposed of. */
export function watchedTimers(): Pick<Watch, "pending"> & Disposable {
  const watch = watchTimers();
  return {
    pending: watch.pending,
    [Symbol.dispose]: () => {
      // Who has left one shall not keep the process waiting for it.
      for (const id of watch.pending.keys()) clearTimeout(id);
      watch[Symbol.dispose]();
    },
  };
}
