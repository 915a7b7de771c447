/** Throws in any case: for a line that must not be reached. */
export function fail(msg?: string): never;
