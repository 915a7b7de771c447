/** Throws unless the actual value is greater than the expected one. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void;
