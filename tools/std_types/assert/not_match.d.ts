/** Throws if a text matches the pattern. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void;
