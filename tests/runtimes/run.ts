/**
 * `deno task runtimes [RUNTIME@VERSION…]`: tests the package as it would be published
 * in other runtimes, and in a browser if there is one.
 *
 * @module
 */

import { findBrowser } from "../_find_browser.ts";
import { install, makeTarball } from "./_package.ts";
import { publish } from "./_published.ts";
import type { CommandResult } from "../_run_command.ts";
import { RUNTIMES, smoke, smokeInBrowser } from "./_smoke.ts";

let failures = 0;

function printResult(
  where: string,
  { success, out, err }: CommandResult,
): void {
  console.log(`\n${where}\n${out.trimEnd()}`);
  if (success) return;
  failures++;
  console.log(err.trimEnd());
}

{
  await using published = await publish();
  const tarball = await makeTarball(published);
  const folder = await install(published, tarball, "npm");
  for (const runtime of Deno.args.length > 0 ? Deno.args : RUNTIMES) {
    printResult(runtime, await smoke(runtime, folder));
  }
  const browser = await findBrowser();
  if (browser) printResult("a browser", await smokeInBrowser(browser, folder));
}
Deno.exit(failures === 0 ? 0 : 1);
