/** Throws unless both are one and the same value by `Object.is`, and narrows the first. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T;
