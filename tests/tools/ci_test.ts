import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runCommand, runSuccessfully } from "../_run_command.ts";
import { temporaryFolder } from "../_temporary_folder.ts";

const RUN = fileURLToPath(new URL("../../.ci/run", import.meta.url));

/** The real programs that `.ci/run` uses. */
const TOOLS = "bash cat dirname grep head mktemp rm sh tail tee timeout".split(
  " ",
);

/** Shell scripts of fake commands, by name. */
type Commands = Readonly<Record<string, string>>;

/** Shell scripts of the fake tasks. */
interface Tasks {
  readonly test?: string;
  readonly slow?: string;
  readonly real?: string;
  readonly check?: string;
  readonly cost?: string;
}

const GOOD_TESTS = 'echo "ok | 12 passed (3 steps) | 0 failed (2s)"';
const GOOD_SLOW_TESTS = 'echo "ok | 3 passed | 0 failed (2s)"';
const GOOD_CHECKS = 'echo "5 passed, 0 failed"';
const GOOD_REAL = 'echo "100 passed, 0 failed"';
const GOOD_COST = 'echo "1 passed, 0 failed"';
const INSTALLED: Commands = { chromium: "", "valkey-server": "" };

/** Runs `.ci/run` with a fake npx, and with only these commands in the PATH. */
async function ci(tasks: Tasks = {}, commands: Commands = INSTALLED) {
  await using folder = await temporaryFolder();
  const bin = folder.path;
  await link(bin, TOOLS);
  const npx = `case "$4" in
    test) ${tasks.test ?? GOOD_TESTS};;
    test:slow) ${tasks.slow ?? GOOD_SLOW_TESTS};;
    real) ${tasks.real ?? GOOD_REAL};;
    check) ${tasks.check ?? GOOD_CHECKS};;
    cost) ${tasks.cost ?? GOOD_COST};;
  esac`;
  for (const [name, line] of Object.entries({ npx, ...commands })) {
    const script = `#!${bin}/sh\n${line}\n`;
    await Deno.writeTextFile(`${bin}/${name}`, script, { mode: 0o755 });
  }
  const { code, out } = await runCommand("bash", [RUN], { env: { PATH: bin } });
  const lines = out.trimEnd().split("\n");
  return { code, lines, last: lines.at(-1) };
}

/** Links programs of this machine into a folder. */
async function link(folder: string, names: readonly string[]): Promise<void> {
  const where = names.map((name) => `command -v ${name}`).join("; ");
  const { out } = await runSuccessfully("sh", ["-c", where]);
  const paths = out.trimEnd().split("\n");
  for (const [at, path] of paths.entries()) {
    await Deno.symlink(path, `${folder}/${names[at]}`);
  }
}

/** `.ci/run` is for Linux. */
const test = Deno.build.os === "linux" ? Deno.test : Deno.test.ignore;

test(".ci/run prints its commands, and one total count", async () => {
  const { code, lines } = await ci({
    check: `echo "passed  lint"; ${GOOD_CHECKS}`,
  });
  assertEquals(code, 0);
  assertEquals(lines, [
    "ok | 12 passed (3 steps) | 0 failed (2s)",
    "ok | 3 passed | 0 failed (2s)",
    "passed  lint",
    "121 passed, 0 failed",
  ]);
});

const FAILURES: Record<string, { tasks: Tasks; last: string }> = {
  "counts failures among ignored and filtered tests": {
    tasks: {
      test:
        'echo "FAILED | 7 passed (1 step) | 2 failed (4 steps) | 3 ignored | 1 filtered out (1s)"; exit 1',
    },
    last: "116 passed, 2 failed",
  },
  "counts a command without a count as one failure": {
    tasks: { test: "echo oh; exit 3" },
    last: "109 passed, 1 failed",
  },
  "counts a failing command without failed tests as one failure": {
    tasks: { slow: `${GOOD_SLOW_TESTS}; exit 1` },
    last: "121 passed, 1 failed",
  },
  "fails when no test passed": {
    tasks: {
      test: 'echo "ok | 0 passed | 0 failed (0s)"',
      slow: 'echo "ok | 0 passed | 0 failed (0s)"',
      real: 'echo "0 passed, 0 failed"',
      check: 'echo "0 passed, 0 failed"',
      cost: 'echo "0 passed, 0 failed"',
    },
    last: "0 passed, 0 failed",
  },
};

for (const [name, { tasks, last: expected }] of Object.entries(FAILURES)) {
  test(`.ci/run ${name}`, async () => {
    const { code, last } = await ci(tasks);
    assertEquals({ code, last }, { code: 1, last: expected });
  });
}

test(".ci/run prints the count so far when it is ended, and its code tells the signal", async () => {
  for (const [signal, expected] of [["INT", 130], ["TERM", 143]] as const) {
    const { code, last } = await ci({ slow: `kill -${signal} $PPID; exit 1` });
    assertEquals({ code, last }, {
      code: expected,
      last: "12 passed, 1 failed",
    });
  }
});

test(".ci/run reads the last count, not one that a test prints", async () => {
  const { last } = await ci({
    test: `echo "ok | 999 passed | 0 failed (1s)"; ${GOOD_TESTS}`,
  });
  assertEquals(last, "121 passed, 0 failed");
});

test(".ci/run installs missing programs, as root or with sudo", async () => {
  await using folder = await temporaryFolder();
  const log = `${folder.path}/log`;
  const { code } = await ci({}, {
    "apt-get": `echo "$*" >>${log}; case "$*" in *valkey*) exit 100;; esac`,
    sudo: `shift; "$@"`,
  });
  assertEquals(code, 0);
  const install = "install -y --no-install-recommends";
  assertEquals((await Deno.readTextFile(log)).trimEnd().split("\n"), [
    ...["update", `${install} chromium`],
    ...["update", `${install} valkey-server`],
    ...["update", `${install} redis-server`],
  ]);
});

test(".ci/run installs nothing where a browser and a server are installed", async () => {
  for (const browser of ["chromium", "google-chrome"]) {
    for (const server of ["valkey-server", "redis-server"]) {
      const { code } = await ci({}, {
        [browser]: "",
        [server]: "",
        "apt-get": "kill $PPID",
        sudo: "kill $PPID",
      });
      assertEquals(code, 0);
    }
  }
});

test(".ci/run continues with a message when nothing can be installed", async () => {
  const refusing = { "apt-get": "exit 100", sudo: "exit 1" };
  for (const commands of [{}, refusing]) {
    const { code, lines, last } = await ci({}, commands);
    assertEquals({ code, last }, { code: 0, last: "121 passed, 0 failed" });
    assertEquals(lines.slice(0, 2), [
      "No browser, and none could be installed.",
      "No Redis or Valkey, and none could be installed.",
    ]);
  }
});
