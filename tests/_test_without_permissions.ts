// Code that needs no permission is tested without one, so that an access by mistake
// fails the test.

/** Registers a test that runs without permissions. */
export function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, permissions: "none", fn });
}
