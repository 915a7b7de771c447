/** The error that every assertion throws when it does not hold. */
export class AssertionError extends Error {
  /**
   * Constructs an error with what went wrong.
   *
   * @param message What was expected, and what was found.
   * @param options The cause, if there is one.
   */
  constructor(message: string, options?: ErrorOptions);
}
