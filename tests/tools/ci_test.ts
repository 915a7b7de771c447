import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { run, succeed } from "../_process.ts";
import { temporaryFolder } from "../_temporary_folder.ts";

const RUN = fileURLToPath(new URL("../../.ci/run", import.meta.url));

/** What `.ci/run` uses, besides what is made up here. */
const TOOLS = "bash cat dirname grep head mktemp rm sh tail tee timeout".split(
  " ",
);

/** Commands that are made up, by their names, as lines of a shell. */
type Commands = Readonly<Record<string, string>>;

/**
 * Runs `.ci/run` with a made-up npx that prints what the tests and the checks
 * would, and then ends as they would. No command is there but these.
 */
async function ci(
  tests: string,
  checks: string,
  commands: Commands = { chromium: "" },
) {
  await using folder = await temporaryFolder();
  const bin = folder.path;
  await link(bin, TOOLS);
  const npx = `if [ "$4" = test ]; then ${tests}; else ${checks}; fi`;
  for (const [name, line] of Object.entries({ npx, ...commands })) {
    const script = `#!${bin}/sh\n${line}\n`;
    await Deno.writeTextFile(`${bin}/${name}`, script, { mode: 0o755 });
  }
  const { code, out } = await run("bash", [RUN], { env: { PATH: bin } });
  const lines = out.trimEnd().split("\n");
  return { code, lines, last: lines.at(-1) };
}

/** Brings tools of this machine into a folder. */
async function link(folder: string, names: readonly string[]): Promise<void> {
  const where = names.map((name) => `command -v ${name}`).join("; ");
  const { out } = await succeed("sh", ["-c", where]);
  const paths = out.trimEnd().split("\n");
  for (const [at, path] of paths.entries()) {
    await Deno.symlink(path, `${folder}/${names[at]}`);
  }
}

const GOOD_TESTS = 'echo "ok | 12 passed (3 steps) | 0 failed (2s)"';
const GOOD_CHECKS = 'echo "5 passed, 0 failed"';
/** Where CI runs it, and its tools are. */
const test = Deno.build.os === "linux" ? Deno.test : Deno.test.ignore;

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

test("CI installs a browser where there is none, as root or by sudo", async () => {
  const log = await Deno.makeTempFile();
  try {
    const { code, lines } = await ci(GOOD_TESTS, GOOD_CHECKS, {
      "apt-get": `echo "apt-get $*" >>${log}`,
      sudo: `echo sudo >>${log}; shift; "$@"`,
    });
    assertEquals({ code, lines: lines.length }, { code: 0, lines: 2 });
    const done = (await Deno.readTextFile(log)).replaceAll("sudo\n", "");
    assertEquals(done.split("\n"), [
      "apt-get update",
      "apt-get install -y --no-install-recommends chromium",
      "",
    ]);
  } finally {
    await Deno.remove(log);
  }
});

test("CI installs nothing where there is a browser", async () => {
  for (const browser of ["chromium", "google-chrome"]) {
    const { code, lines } = await ci(GOOD_TESTS, GOOD_CHECKS, {
      [browser]: "",
      "apt-get": "kill $PPID",
      sudo: "kill $PPID",
    });
    assertEquals({ code, lines: lines.length }, { code: 0, lines: 2 });
  }
});

test("CI goes on where no browser can be installed, and says so", async () => {
  const none = {};
  const refusing = { "apt-get": "exit 100", sudo: "exit 1" };
  for (const commands of [none, refusing]) {
    const { code, lines } = await ci(GOOD_TESTS, GOOD_CHECKS, commands);
    assertEquals(code, 0);
    assertEquals(lines[0], "No browser, and none could be installed.");
    assertEquals(lines.at(-1), "17 passed, 0 failed");
  }
});
