// Reads a circuit from a database, where anything can be stored: by an older
// version, by hand, or by a program that uses the same key.

import { getProperty } from "../_shared/safe_access.ts";
import { type Circuit, CLOSED, type Slice, SLICES } from "./_circuit.ts";

/** The longest window that is accepted. Our windows have SLICES + 1 slices. */
const MAX_SLICES = 10 * SLICES;

/** The latest time that a `Date` can have. */
const MAX_TIME = 8.64e15;

/**
 * The circuit that a value describes. A value of any other shape reads as a
 * closed circuit, so that the next event replaces it.
 */
export function decodeCircuit(value: unknown): Circuit {
  const state = getProperty(value, "state");
  if (state === "closed") {
    const window = getProperty(value, "window");
    return isWindow(window)
      ? {
        state,
        window: window.map(({ at, calls, failures }) => ({
          at,
          calls,
          failures,
        })),
      }
      : CLOSED;
  }
  const retryAt = getProperty(value, "retryAt");
  const probing = getProperty(value, "probing");
  const failures = getProperty(value, "failures");
  const failedProbes = getProperty(value, "failedProbes");
  const isOpen = state === "open" && isTime(retryAt) &&
    typeof probing === "boolean" && isCount(failures) && isCount(failedProbes);
  return isOpen ? { state, retryAt, probing, failures, failedProbes } : CLOSED;
}

function isWindow(value: unknown): value is readonly Slice[] {
  if (!Array.isArray(value) || value.length > MAX_SLICES) return false;
  let previous = -Infinity;
  // An array with holes has fewer own elements; `every` would skip them.
  return Array.from(value).every((slice: unknown) => {
    const at = getProperty(slice, "at");
    const calls = getProperty(slice, "calls");
    const failures = getProperty(slice, "failures");
    const isSlice = isTime(at) && at >= previous && isCount(calls) &&
      isCount(failures) && failures <= calls;
    if (isSlice) previous = at;
    return isSlice;
  });
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= MAX_TIME;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
