/** Throws if a text does not contain the expected one. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void;
