// A limit of a second that a busy machine does not exceed.

import { delay } from "@std/async/delay";

const TIMERS = 100;

/**
 * Waits for a promise while a hundred timers of 10 ms run, one after the other. On a
 * busy machine they take longer, as everything else in the process does.
 *
 * @throws {Error} If the promise is pending afterwards.
 */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (let i = 0; i < TIMERS && !isSettled; i++) await delay(10);
  if (!isSettled) throw new Error("Pending after a hundred timers of 10 ms");
  return await promise;
}
