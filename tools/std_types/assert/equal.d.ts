/** Whether two values are the same in depth, as {@linkcode assertEquals} sees it. */
export function equal(a: unknown, b: unknown): boolean;
