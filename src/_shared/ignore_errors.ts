// Calls into user code whose result and errors are ignored by contract.

import { isPromise } from "./safe_access.ts";

/** Calls a function, and ignores what it throws, returns or rejects with. */
export function ignoreErrors(call: () => unknown): void {
  try {
    ignoreRejection(call());
  } catch {
    // ignored by contract
  }
}

/** Handles the rejection of a value that may be a promise. */
export function ignoreRejection(value: unknown): void {
  if (value !== undefined) Promise.resolve(value).catch(() => {});
}

/**
 * Handles the rejection of a promise, and throws.
 *
 * @throws {TypeError} If a function that has to answer at once returned a promise.
 */
export function refusePromise(name: string, value: unknown): void {
  if (!isPromise(value)) return;
  ignoreRejection(value);
  throw new TypeError(`'${name}' must not return a promise`);
}
