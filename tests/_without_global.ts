// Simulates a runtime that lacks a global.

/** Calls `fn` while the global of that name does not exist. */
export async function withoutGlobal<T>(
  name: keyof typeof globalThis,
  fn: () => T | PromiseLike<T>,
): Promise<T> {
  const before = Reflect.getOwnPropertyDescriptor(globalThis, name)!;
  Reflect.deleteProperty(globalThis, name);
  try {
    return await fn();
  } finally {
    Reflect.defineProperty(globalThis, name, before);
  }
}
