// Code that needs no permission is tested without any, so that a test fails if
// the code asks for one.

/** Defines a test that runs without permissions. */
export function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, permissions: "none", fn });
}
