/**
 * `deno task test`: all tests but the slow ones. Types are checked by
 * `deno task check`, once for all tests.
 *
 * - With paths or other arguments of `deno test`: just those tests.
 * - `--quick`: nine of ten tests, in a third of the time, for after each change.
 * - `--slow`: only the slow ones, which need other programs: other runtimes, a
 *   browser, Redis, clients in other languages. `deno task real` runs the real SDKs.
 * - `--coverage`: also checks how much of `src` the tests run, and prints each line
 *   that they do not run. It takes half as long again.
 *
 * @module
 */

import { coverageOf, detailsOf } from "./_coverage.ts";
import { runDeno } from "./_run_deno.ts";

const TEST = ["test", "-A", "--parallel", "--no-check"];

/** The tests that need other programs. */
const SLOW = [
  "tests/examples/browser",
  "tests/gateway/clients",
  "tests/redis",
  "tests/runtimes",
];

/** The tests that take seconds: processes, real connections, many scenarios. */
const NOT_QUICK = [
  ...SLOW,
  "tests/bench",
  "tests/examples",
  "tests/http",
  "tests/kv",
  "tests/leaks_test.ts",
  "tests/mutation",
  "tests/property",
  "tests/real",
  "tests/tasks_test.ts",
];

/** The arguments of all tests but the slow ones. */
const MOST = [...TEST, "--doc", `--ignore=${SLOW.join()}`];

async function testWithCoverage(): Promise<number> {
  await Deno.mkdir(".coverage", { recursive: true });
  const folder = await Deno.makeTempDir({ dir: ".coverage" });
  try {
    const code = await runDeno([
      ...MOST,
      `--coverage=${folder}`,
      "--coverage-raw-data-only",
    ]);
    if (code !== 0) return code;
    console.log(await detailsOf(folder));
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
      return await runDeno(MOST);
    case "--coverage":
      return await testWithCoverage();
    case "--quick":
      return await runDeno([...TEST, `--ignore=${NOT_QUICK.join()}`]);
    case "--slow":
      return await runDeno([...TEST, ...SLOW]);
    default:
      return await runDeno([...TEST, "--doc", ...args]);
  }
}

Deno.exit(await test(Deno.args));
