/** What counts as false. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** Throws if the value is truthy, and narrows it. */
export function assertFalse(expr: unknown, msg?: string): asserts expr is Falsy;
