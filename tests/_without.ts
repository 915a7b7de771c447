// As on a runtime that lacks something.

/** Does something while there is no global of that name. */
export async function without<T>(
  name: keyof typeof globalThis,
  run: () => T | PromiseLike<T>,
): Promise<T> {
  const before = Reflect.getOwnPropertyDescriptor(globalThis, name)!;
  Reflect.deleteProperty(globalThis, name);
  try {
    return await run();
  } finally {
    Reflect.defineProperty(globalThis, name, before);
  }
}
