// A clock that stands still until it is moved. `Date.now()` is all that the
// circuits read; timers stay real, and none of them has to fire.

/** Stops `Date.now()` until it is disposed of. */
export function stoppedClock(): { now: number } & Disposable {
  const { now } = Date;
  const clock = { now: 0, [Symbol.dispose]: () => void (Date.now = now) };
  Date.now = () => clock.now;
  return clock;
}

/** Tells which timers are pending of those set until it is disposed of. */
export function watchedTimers(): { pending: Set<unknown> } & Disposable {
  const { setTimeout, clearTimeout } = globalThis;
  const pending = new Set<unknown>();
  const set = (fn: () => void, ms?: number) => {
    const id = setTimeout(() => {
      pending.delete(id);
      fn();
    }, ms);
    pending.add(id);
    return id;
  };
  globalThis.setTimeout = set as typeof setTimeout;
  globalThis.clearTimeout = (id) => {
    pending.delete(id);
    clearTimeout(id);
  };
  return {
    pending,
    [Symbol.dispose]: () => {
      // Who has left one shall not keep the process waiting for it.
      for (const id of pending) clearTimeout(id as number);
      Object.assign(globalThis, { setTimeout, clearTimeout });
    },
  };
}
