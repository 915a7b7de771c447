// Closing: every step is taken, whatever the others did, and waited for until
// its time is up.

import { ModelTimeoutError } from "./errors.ts";
import type { Attempt } from "./types.ts";

/**
 * Takes one step after the other and waits for all of them together at most
 * `ms`. When the time is up, the remaining steps are still taken, but no longer
 * waited for.
 *
 * @param note Is given what a step threw, unless it came too late.
 * @returns Whether all have settled in time.
 */
export async function closeWithin(
  ms: number,
  steps: readonly (() => unknown)[],
  note: (error: unknown) => void,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = Symbol();
  let clock: Promise<unknown> | undefined;
  let late = false;
  for (const step of steps) {
    try {
      const closing = step();
      if (closing === undefined) continue;
      clock ??= new Promise((resolve) => {
        timer = setTimeout(resolve, ms, timeUp);
      });
      // Once the clock has run out it wins at once, and a late rejection of
      // what has lost is no longer unhandled.
      late = await Promise.race(
        late ? [clock, closing] : [closing, clock],
      ) === timeUp;
    } catch (error) {
      note(error);
    }
  }
  clearTimeout(timer);
  return !late;
}

/**
 * What is left of an error without those for which `drop` says yes, which may
 * be anywhere in a `SuppressedError`: one item, or none.
 */
export function strip(
  error: unknown,
  drop: (error: unknown) => boolean,
): [] | [unknown] {
  if (drop(error)) return [];
  if (!(error instanceof SuppressedError)) return [error];
  const later = strip(error.error, drop);
  const first = strip(error.suppressed, drop);
  if (later.length === 0 || first.length === 0) {
    return later.length ? later : first;
  }
  const same = later[0] === error.error && first[0] === error.suppressed;
  return [same ? error : new SuppressedError(later[0], first[0])];
}

/** A close error without what is recorded but never thrown. */
export function thrownOnClose(record: Attempt): [] | [unknown] {
  if (!("closeError" in record)) return [];
  return strip(
    record.closeError,
    (error) => error instanceof ModelTimeoutError && error.phase === "close",
  );
}
