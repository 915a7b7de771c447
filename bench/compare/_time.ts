// Virtual time for code that is not ours. Unlike `virtualTime` of the harness
// it lets many turns of the event loop pass before time advances, for others
// go through the loop on their way; and what hangs is a result, not an error.

import { setImmediate } from "node:timers";
import { FakeTime } from "@std/testing/time";

const { setTimeout } = globalThis;

/** Turns without any progress after which everybody is taken to wait. */
const TURNS = 30;
/** How long nothing may happen, in real time, until a call is said to hang. */
const PATIENCE_MS = 100;

/** What came of a run in virtual time. */
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
  let patient = true;
  for (;;) {
    for (let turn = 0; turn < TURNS && !settled; turn++) {
      await new Promise((resolve) => void setImmediate(resolve));
    }
    if (settled) return { hangs: false, value: await result };
    if (time.next()) {
      patient = true;
    } else if (patient) {
      // There may be timers that were taken before time was ours.
      patient = false;
      await new Promise((resolve) => void setTimeout(resolve, PATIENCE_MS));
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
