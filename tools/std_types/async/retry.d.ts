/** The error of {@linkcode retry} when no attempt is left; its cause is the last failure. */
export class RetryError extends Error {
  /**
   * Constructs an error from the last failure.
   *
   * @param cause The last failure.
   * @param attempts How many attempts there were.
   */
  constructor(cause: unknown, attempts: number);
}

/** Options for {@linkcode retry}. */
export interface RetryOptions {
  /**
   * By how much each wait is longer than the one before.
   *
   * @default {2}
   */
  multiplier?: number;
  /**
   * The longest wait, in milliseconds.
   *
   * @default {60000}
   */
  maxTimeout?: number;
  /**
   * How many attempts there are, the first included.
   *
   * @default {5}
   */
  maxAttempts?: number;
  /**
   * The first wait, in milliseconds.
   *
   * @default {1000}
   */
  minTimeout?: number;
  /**
   * How much of each wait is left to chance, from 0 to 1.
   *
   * @default {1}
   */
  jitter?: number;
  /**
   * Whether an error is worth another attempt.
   *
   * @default {() => true}
   */
  isRetriable?: (err: unknown) => boolean;
  /** Ends the waits and the attempts with its reason. */
  signal?: AbortSignal;
}

/**
 * Calls a function until it succeeds, with growing waits between the attempts.
 *
 * @param fn The function.
 * @param options How often and how patiently.
 */
export function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options?: RetryOptions,
): Promise<T>;
