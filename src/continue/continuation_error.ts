/**
 * The error for a continuation that contradicts what was delivered.
 *
 * @module
 */

/**
 * The next model began the answer again and then wrote something else than what
 * the caller already has. Its text is not delivered.
 *
 * @example Usage
 * ```ts
 * import { ContinuationError, TextSplice } from "@fallback/stream/continue";
 * import { assertThrows } from "@std/assert";
 *
 * const splice = new TextSplice("Once upon a time there was a young queen.");
 * assertThrows(
 *   () => splice.push("Once upon a time there was a young prince."),
 *   ContinuationError,
 * );
 * ```
 */
export class ContinuationError extends Error {
  /** How many characters of the two answers are the same. */
  readonly matched: number;

  /**
   * Constructs the error.
   *
   * @param matched How many characters of the two answers are the same.
   */
  constructor(matched: number) {
    super(
      `The next model repeated ${matched} characters of the answer and then contradicted it`,
    );
    this.name = "ContinuationError";
    this.matched = matched;
  }
}
