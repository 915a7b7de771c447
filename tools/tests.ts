/**
 * `deno task test`: all tests, and then what part of `src` they have run, which
 * has to be nearly all of it. With arguments, just those tests. With
 * `--missed`, as `deno task coverage` has it, also each line that was not run.
 *
 * @module
 */

import { coverageOf, detailsOf } from "./_coverage.ts";
import { runDeno } from "./_run.ts";

const TEST = ["test", "-A", "--doc", "--parallel"];

const showsMissed = Deno.args.join() === "--missed";
if (Deno.args.length > 0 && !showsMissed) {
  Deno.exit(await runDeno([...TEST, ...Deno.args]));
}

const folder = await Deno.makeTempDir();
let code: number;
try {
  const args = [`--coverage=${folder}`, "--coverage-raw-data-only"];
  code = await runDeno([...TEST, ...args]);
  if (code === 0) {
    if (showsMissed) console.log(await detailsOf(folder));
    const { summary, isEnough } = await coverageOf(folder);
    console.log(summary);
    if (!isEnough) code = 1;
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(code);
