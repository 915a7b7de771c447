/** Throws unless the actual value is less than, or the same as, the expected one. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void;
