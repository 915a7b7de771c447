/** Throws unless an object has, in depth, all that the expected one has; it may have more. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- as std declares it
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void;
