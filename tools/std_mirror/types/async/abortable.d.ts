/**
 * A promise that also rejects as soon as the signal aborts, with its reason.
 *
 * @param p The promise to wait for.
 * @param signal What ends the wait.
 */
export function abortable<T>(p: Promise<T>, signal: AbortSignal): Promise<T>;
/**
 * An iteration that also throws as soon as the signal aborts, with its reason.
 *
 * @param p What to iterate.
 * @param signal What ends the iteration.
 */
export function abortable<T>(
  p: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T>;
