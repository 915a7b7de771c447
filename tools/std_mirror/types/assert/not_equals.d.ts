/** Throws if two values are the same in depth. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void;
