/** Throws if the value is `null` or `undefined`, and narrows it. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T>;
