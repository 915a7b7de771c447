/**
 * `deno task test`: all tests but the slow ones, and a check of how much of `src`
 * they run.
 *
 * - With paths or other arguments of `deno test`: just those tests.
 * - `--quick`: the tests that a contributor runs after each change.
 * - `--slow`: only the slow ones, which need other programs: other runtimes, a
 *   browser, Redis, clients in other languages. `deno task real` runs the real SDKs.
 * - `--missed`: also each line that was not run.
 *
 * @module
 */

import { coverageOf, detailsOf } from "./_coverage.ts";
import { runDeno } from "./_run_deno.ts";

const TEST = ["test", "-A", "--parallel"];

const SLOW = [
  "tests/examples/browser",
  "tests/gateway/clients",
  "tests/redis",
  "tests/runtimes",
];

const QUICK = [
  "tests/_shared",
  "tests/contract",
  "tests/engine",
  "tests/policies",
  "tests/property",
];

async function testWithCoverage(showsMissed: boolean): Promise<number> {
  await Deno.mkdir(".coverage", { recursive: true });
  const folder = await Deno.makeTempDir({ dir: ".coverage" });
  try {
    const code = await runDeno([
      ...TEST,
      "--doc",
      `--coverage=${folder}`,
      "--coverage-raw-data-only",
      `--ignore=${SLOW.join()}`,
    ]);
    if (code !== 0) return code;
    if (showsMissed) console.log(await detailsOf(folder));
    const { summary, isEnough } = await coverageOf(folder);
    console.log(summary);
    return isEnough ? 0 : 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function test(args: readonly string[]): Promise<number> {
  switch (args.join(" ")) {
    case "":
      return await testWithCoverage(false);
    case "--missed":
      return await testWithCoverage(true);
    case "--quick":
      return await runDeno([...TEST, "--no-check", ...QUICK]);
    case "--slow":
      return await runDeno([...TEST, ...SLOW]);
    default:
      return await runDeno([...TEST, "--doc", ...args]);
  }
}

Deno.exit(await test(Deno.args));
