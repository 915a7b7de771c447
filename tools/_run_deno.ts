/**
 * Runs Deno with access to the standard library.
 *
 * @module
 */

import { checkStdDeclarations } from "./std_mirror/check_std_declarations.ts";
import { registry } from "./std_mirror/registry.ts";

/**
 * Runs `deno ARGS…` in the place of this process, and prints on one line where
 * the standard library comes from.
 *
 * @returns Its exit code.
 */
export async function runDeno(args: readonly string[]): Promise<number> {
  // Also where JSR answers: an import that is added there must not break the
  // types where it does not.
  const undeclared = await checkStdDeclarations();
  if (undeclared !== undefined) {
    console.error(undeclared);
    return 1;
  }

  const { env, note } = await registry();
  console.error(note);

  const deno = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();

  /** Forwards a signal, so that stopping this process stops Deno as well. */
  const forward = (signal: Deno.Signal) =>
    Deno.addSignalListener(signal, () => {
      try {
        deno.kill(signal);
      } catch {
        // It has just ended by itself.
      }
    });

  // At a terminal, Ctrl-C has reached the child already, and a second SIGINT would
  // interrupt its clean-up: there this process only waits.
  if (Deno.stdin.isTerminal()) Deno.addSignalListener("SIGINT", () => {});
  else forward("SIGINT");
  if (Deno.build.os !== "windows") forward("SIGTERM");

  return (await deno.status).code;
}
