// Code of others that is told something: whatever it does changes nothing.

/** Runs code of others; what that throws or returns changes nothing. */
export function ignoreErrors(tell: () => unknown): void {
  try {
    ignoreRejection(tell());
  } catch {
    // Theirs.
  }
}

/** What others return may be a promise, and reject. */
export function ignoreRejection(told: unknown): void {
  if (told !== undefined) Promise.resolve(told).catch(() => {});
}
