// Virtual time for other libraries. Unlike `virtualTime` of the harness, it lets
// many turns of the event loop pass before time advances, because some libraries
// wait for the loop. A call that hangs is a result, not an error.

import { setImmediate } from "node:timers";
import { FakeTime } from "@std/testing/time";

const { setTimeout } = globalThis;

/** Without progress in this many turns, only a timer can help. */
const TURNS = 30;
/** After so much real time without progress, a call hangs. */
const HANG_MS = 100;

/** The result of a run in virtual time. */
export type Outcome<T> = { readonly hangs: false; readonly value: T } | {
  readonly hangs: true;
};

/** Runs `fn`; whenever nothing else can run, time goes to the next timer. */
export async function inVirtualTime<T>(
  fn: () => Promise<T>,
): Promise<Outcome<T>> {
  using time = new FakeTime(0);
  let settled = false;
  const settle = () => {
    settled = true;
  };
  const result = fn();
  result.then(settle, settle);
  let mayWait = true;
  for (;;) {
    for (let turn = 0; turn < TURNS && !settled; turn++) {
      await new Promise((resolve) => void setImmediate(resolve));
    }
    if (settled) return { hangs: false, value: await result };
    if (time.next()) {
      mayWait = true;
    } else if (mayWait) {
      // Real timers may be left from before the time was faked.
      mayWait = false;
      await new Promise((resolve) => void setTimeout(resolve, HANG_MS));
    } else {
      return { hangs: true };
    }
  }
}

/** Unhandled rejections, which would end the process, until disposed of. */
export function catchUnhandled(): { readonly count: number } & Disposable {
  let count = 0;
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    count++;
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    count++;
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]() {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}
