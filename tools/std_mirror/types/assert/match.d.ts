/** Throws if a text does not match the pattern. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void;
