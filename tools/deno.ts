/**
 * `tools/deno.ts ARGS…` runs `deno ARGS…` with the standard library within
 * reach, and says on one line where it comes from.
 *
 * @module
 */

import { complaint } from "./_declared.ts";
import { registry } from "./_jsr.ts";

// Also where JSR answers: who adds an import there shall not break it elsewhere.
const undeclared = await complaint();
if (undeclared !== undefined) {
  console.error(undeclared);
  Deno.exit(1);
}

const { env, note } = await registry();
console.error(note);

const deno = new Deno.Command(Deno.execPath(), {
  args: Deno.args,
  env,
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
}).spawn();

/** Hands a signal on, so that nobody stops us and leaves Deno running. */
function forward(signal: Deno.Signal): void {
  Deno.addSignalListener(signal, () => {
    try {
      deno.kill(signal);
    } catch {
      // It has just ended by itself.
    }
  });
}

// At a terminal Ctrl-C has reached the child already, and a second one would
// cut its clean-up short: there we only stay until it is done.
if (Deno.stdin.isTerminal()) Deno.addSignalListener("SIGINT", () => {});
else forward("SIGINT");
if (Deno.build.os !== "windows") forward("SIGTERM");

Deno.exit((await deno.status).code);
