import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const RUN = fileURLToPath(new URL("../../.ci/run", import.meta.url));

/**
 * Runs `.ci/run` with a made-up npx that prints what the tests and the checks
 * would, and then ends as they would.
 */
async function ci(tests: string, checks: string) {
  const bin = await Deno.makeTempDir();
  try {
    const npx =
      `#!/bin/sh\nif [ "$4" = test ]; then ${tests}; else ${checks}; fi\n`;
    await Deno.writeTextFile(`${bin}/npx`, npx, { mode: 0o755 });
    const { code, stdout } = await new Deno.Command("bash", {
      args: [RUN],
      env: { PATH: `${bin}:${Deno.env.get("PATH")}` },
      stderr: "null",
    }).output();
    const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
    return { code, lines, last: lines.at(-1) };
  } finally {
    await Deno.remove(bin, { recursive: true });
  }
}

const GOOD_TESTS = 'echo "ok | 12 passed (3 steps) | 0 failed (2s)"';
const GOOD_CHECKS = 'echo "5 passed, 0 failed"';
const test = Deno.build.os === "windows" ? Deno.test.ignore : Deno.test;

test("CI counts the tests and the checks together", async () => {
  const { code, last } = await ci(GOOD_TESTS, GOOD_CHECKS);
  assertEquals({ code, last }, { code: 0, last: "17 passed, 0 failed" });
});

test("CI prints what runs, and one total", async () => {
  const { lines } = await ci(
    GOOD_TESTS,
    `echo "passed  lint"; ${GOOD_CHECKS}`,
  );
  assertEquals(lines, [
    "ok | 12 passed (3 steps) | 0 failed (2s)",
    "passed  lint",
    "17 passed, 0 failed",
  ]);
});

test("CI counts what fails, among what is ignored and filtered out", async () => {
  const tests =
    'echo "FAILED | 7 passed (1 step) | 2 failed (4 steps) | 3 ignored | 1 filtered out (1s)"; exit 1';
  const { code, last } = await ci(tests, GOOD_CHECKS);
  assertEquals({ code, last }, { code: 1, last: "12 passed, 2 failed" });
});

test("CI counts a command that dies without a count as one failure", async () => {
  const { code, last } = await ci("echo oh; exit 3", GOOD_CHECKS);
  assertEquals({ code, last }, { code: 1, last: "5 passed, 1 failed" });
});

test("CI counts a command that fails with nothing failed as one failure", async () => {
  const { code, last } = await ci(`${GOOD_TESTS}; exit 1`, GOOD_CHECKS);
  assertEquals({ code, last }, { code: 1, last: "17 passed, 1 failed" });
});

test("CI believes the last count, not what a test prints on its way", async () => {
  const tests = `echo "ok | 999 passed | 0 failed (1s)"; ${GOOD_TESTS}`;
  const { last } = await ci(tests, GOOD_CHECKS);
  assertEquals(last, "17 passed, 0 failed");
});

test("CI does not pass where nothing has passed", async () => {
  const { code, last } = await ci(
    'echo "ok | 0 passed | 0 failed (0s)"',
    'echo "0 passed, 0 failed"',
  );
  assertEquals({ code, last }, { code: 1, last: "0 passed, 0 failed" });
});
