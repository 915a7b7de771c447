// Looking at values that somebody else made. Anything can be thrown, also a
// revoked proxy or an object whose getters throw, so looking must not throw.

/** A property of any value; `undefined` if it cannot be read. */
export function getProperty(value: unknown, key: PropertyKey): unknown {
  try {
    return (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  } catch {
    return undefined;
  }
}

/** Whether a value is a promise, or something that can be awaited like one. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof getProperty(value, "then") === "function";
}

/** `value instanceof constructor`; `false` if that cannot be found out. */
export function isInstance<T>(
  value: unknown,
  constructor: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof constructor;
  } catch {
    return false;
  }
}

/** A value as an array; `undefined` if it is none, or cannot be read. */
export function asArray(value: unknown): readonly unknown[] | undefined {
  try {
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // a revoked proxy
  }
}

/** Parses JSON; `undefined` if the text is not JSON. */
export function parseJson(text: unknown): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
