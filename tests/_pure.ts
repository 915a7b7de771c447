// What needs no permission is tested without one: what asks for one by mistake
// fails there.

/** A test of what touches nothing outside. */
export function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, permissions: "none", fn });
}
