/** Throws unless the actual value is less than the expected one. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void;
