/** Throws in any case: for what is still to be written. */
export function unimplemented(msg?: string): never;
