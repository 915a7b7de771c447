/**
 * Time that passes only when there is nothing else to do.
 *
 * @module
 */

import { FakeTime } from "@std/testing/time";
import { watchTimers } from "./_timers.ts";

/** How many lines of a journal a {@linkcode DeadlockError} shows. */
const TAIL_LINES = 20;

/**
 * Thrown when `fn` is pending but no timer is scheduled that could continue it.
 *
 * @example A promise that never settles
 * ```ts
 * import { DeadlockError, virtualTime } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const never = new Promise(() => {});
 * await assertRejects(() => virtualTime(() => never), DeadlockError);
 * ```
 */
export class DeadlockError extends Error {
  /**
   * Makes the error.
   *
   * @param tail The last lines of the journals.
   */
  constructor(tail: string) {
    super(
      `Everything waits, and no timer is scheduled. The last entries of the journals:\n${tail}`,
    );
    this.name = "DeadlockError";
  }
}

/**
 * Runs `fn` in virtual time: whenever nothing else can run, time advances to
 * the next timer at once, so that an hour takes microseconds and every run
 * takes the same turns. Time starts at 0 ms since the epoch; `setTimeout`,
 * `setInterval`, `Date` and `AbortSignal.timeout` are faked by `FakeTime` of
 * `@std/testing`, `performance.now()` is not. It is not for real I/O.
 *
 * @typeParam T The result of `fn`.
 * @param fn The function to run in virtual time.
 * @returns What `fn` returned.
 *
 * @example An hour in no time
 * ```ts
 * import { virtualTime } from "@fallback/stream/testing";
 * import { delay } from "@std/async/delay";
 * import { assertEquals } from "@std/assert";
 *
 * const now = await virtualTime(async () => {
 *   await delay(3_600_000);
 *   return Date.now();
 * });
 * assertEquals(now, 3_600_000);
 * ```
 *
 * @throws {DeadlockError} If `fn` is pending and no timer is left.
 * @throws {TimeError} If time is faked already.
 * @throws Whatever `fn` throws.
 */
export async function virtualTime<T>(
  fn: () => T | PromiseLike<T>,
): Promise<T> {
  using time = new FakeTime(0);
  using watch = watchTimers();
  let settled = false;
  const settle = () => {
    settled = true;
  };
  const result = new Promise<T>((resolve) => resolve(fn()));
  result.then(settle, settle);
  for (;;) {
    await turn();
    if (settled) break;
    if (!time.next()) {
      const lines = [...watch.journals].flatMap((j) => `${j}`.split("\n"));
      throw new DeadlockError(lines.slice(-TAIL_LINES).join("\n"));
    }
  }
  for (const ms of watch.pending.values()) {
    for (const journal of watch.journals) {
      journal.reportProblem(`a timer of ${ms} ms is left`);
    }
  }
  return result;
}

/**
 * A turn of the real event loop, after every promise that can run has. Only
 * where there is nothing better, as in browsers, it takes a message: in Deno
 * that comes three microtasks later.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if ("setImmediate" in globalThis) return void setImmediate(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      port2.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
