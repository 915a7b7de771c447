/** Throws in any case: for a branch that cannot be taken. */
export function unreachable(msg?: string): never;
