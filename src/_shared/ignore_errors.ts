// Calls into user code whose result and errors are ignored by contract.

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
