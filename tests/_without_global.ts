// Simulates a runtime that lacks a global.

/** Runs a function while the global of that name does not exist, then restores it. */
export async function withoutGlobal<T>(
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
