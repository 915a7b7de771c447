/** Throws, with the difference, if two values are not the same in depth. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void;
