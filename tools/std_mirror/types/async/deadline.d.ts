/** Options for {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Ends the wait early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * A promise that also rejects, with a `TimeoutError`, when the time is up.
 *
 * @param p The promise to wait for.
 * @param ms For how many milliseconds at most.
 * @param options What else can end the wait.
 */
export function deadline<T>(
  p: Promise<T>,
  ms: number,
  options?: DeadlineOptions,
): Promise<T>;
