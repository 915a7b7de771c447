/**
 * What a health store is.
 *
 * @module
 */

/**
 * Remembers over many calls which models are down. A store can delay a call,
 * but it never makes one fail: a store that throws, or does not answer within
 * 250 ms, admits.
 */
export interface HealthStore {
  /**
   * Called once when a call begins, so that the store can read all models of
   * the call at once. It is not awaited, and errors are ignored.
   *
   * @param models The names of the models, in order.
   */
  prepare?(models: readonly string[]): unknown;
  /**
   * Called before each attempt.
   *
   * @param model The name of the model in the list.
   * @returns Whether the model may be called.
   */
  admit(model: string): Admission | PromiseLike<Admission>;
  /**
   * Receives the outcome of an attempt. The result is not awaited, and errors
   * are ignored.
   *
   * @param model The name of the model in the list.
   * @param outcome What became of the attempt.
   * @param error Why it failed.
   */
  report(model: string, outcome: HealthReport, error?: unknown): unknown;
}

/**
 * Whether a model may be called; if not, when to check again, in milliseconds
 * since the epoch.
 */
export type Admission = { admit: true } | { admit: false; retryAt: number };

/**
 * What a {@linkcode HealthStore} receives:
 *
 * - `success`: the first content arrived
 * - `failure`: the attempt failed, or was interrupted after its `success`
 * - `released`: it was canceled or lost, which says nothing about the model
 */
export type HealthReport = "success" | "failure" | "released";
