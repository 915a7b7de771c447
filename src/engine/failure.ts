// Why something ended.

/** An error in a box: anything can be thrown, `undefined` too. */
export interface Failure {
  readonly error: unknown;
}
