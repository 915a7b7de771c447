/**
 * Deno with the standard library within reach.
 *
 * @module
 */

import { complaint } from "./_declared.ts";
import { registry } from "./_jsr.ts";

/**
 * Runs `deno ARGS…` as if it were us, and says on one line where the library
 * comes from.
 *
 * @returns Its exit code.
 */
export async function runDeno(args: readonly string[]): Promise<number> {
  // Also where JSR answers: who adds an import there shall not break it elsewhere.
  const undeclared = await complaint();
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

  /** Hands a signal on, so that nobody stops us and leaves Deno running. */
  const forward = (signal: Deno.Signal) =>
    Deno.addSignalListener(signal, () => {
      try {
        deno.kill(signal);
      } catch {
        // It has just ended by itself.
      }
    });

  // At a terminal Ctrl-C has reached the child already, and a second one would
  // cut its clean-up short: there we only stay until it is done.
  if (Deno.stdin.isTerminal()) Deno.addSignalListener("SIGINT", () => {});
  else forward("SIGINT");
  if (Deno.build.os !== "windows") forward("SIGTERM");

  return (await deno.status).code;
}
