/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the wait early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Whether the wait keeps the process alive; only Deno can do without.
   *
   * @default {true}
   */
  persistent?: boolean;
}

/**
 * Waits.
 *
 * @param ms For how many milliseconds.
 * @param options What else can end the wait.
 */
export function delay(ms: number, options?: DelayOptions): Promise<void>;
