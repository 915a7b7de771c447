/** Throws unless the value is truthy, and narrows it. */
export function assert(expr: unknown, msg?: string): asserts expr;
