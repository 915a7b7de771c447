/** Something with a length and numbered items that is not a plain string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Throws if an expected item has no equal among the actual ones. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void;
