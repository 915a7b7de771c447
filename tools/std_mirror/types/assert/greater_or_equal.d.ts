/** Throws unless the actual value is greater than, or the same as, the expected one. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void;
