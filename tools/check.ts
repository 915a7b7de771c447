/**
 * `deno task check`: everything that can be checked without running our code,
 * a line for each check and the count at the end.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { missingSection } from "./_changelog.ts";
import { complaint } from "./_declared.ts";
import { complaint as undocumented } from "./_documented.ts";
import { registry } from "./_jsr.ts";
import { bundledSize } from "./_size.ts";

interface Outcome {
  readonly success: boolean;
  readonly output: string;
}

interface Check {
  readonly name: string;
  run(): Promise<Outcome>;
}

const { env, note } = await registry();
console.error(note);

async function run(command: string, args: string[]): Promise<Outcome> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env,
    cwd: new URL("../", import.meta.url),
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { success, output: text.decode(stdout) + text.decode(stderr) };
}

function deno(...args: string[]): Check {
  const name = `deno ${args.join(" ")}`;
  return { name, run: () => run(Deno.execPath(), args) };
}

/** What git says; nothing where there is no git to ask. */
async function git(...args: string[]): Promise<string> {
  try {
    return (await run("git", args)).output;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** `deno publish` refuses what is not committed: outside CI that is no fault. */
async function allowDirty(): Promise<string[]> {
  return await git("status", "--porcelain") === "" ? [] : ["--allow-dirty"];
}

/** What somebody may have to complain about. */
function asked(
  name: string,
  complaint: () => Promise<string | undefined>,
): Check {
  return {
    name,
    async run() {
      const output = await complaint();
      return { success: output === undefined, output: output ?? "" };
    },
  };
}

/**
 * How many bytes the root may have, bundled, minified and compressed. It only
 * goes up with a feature that is worth it, and the README says how much it is.
 */
const MOST_BYTES = 7_552;

async function tooLarge(): Promise<string | undefined> {
  const bytes = await bundledSize("mod.ts");
  return bytes > MOST_BYTES
    ? `mod.ts has ${bytes} bytes, ${bytes - MOST_BYTES} too many`
    : undefined;
}

/** Lint has no rule for it: who silences a rule says why, behind two dashes. */
async function unreasoned(): Promise<string | undefined> {
  const ignores = ["-e", "// deno-lint-[i]gnore"];
  const reasons = ["-e", " -- "];
  const lines = await git(
    "grep",
    "-n",
    ...ignores,
    "--and",
    "--not",
    ...reasons,
  );
  return lines === "" ? undefined : `These say no reason:\n${lines}`;
}

async function unlisted(): Promise<string | undefined> {
  const changelog = new URL("../CHANGELOG.md", import.meta.url);
  const isRelease = Deno.args.includes("--release");
  return missingSection(await Deno.readTextFile(changelog), isRelease);
}

const checks: readonly Check[] = [
  asked("every std import is declared", complaint),
  deno("fmt", "--check"),
  deno("lint"),
  asked("whoever silences the linter says why", unreasoned),
  deno("check", "--quiet"),
  deno("doc", "--lint", ...Object.values(config.exports)),
  asked(
    "every export is documented",
    () => undocumented(Object.values(config.exports), env),
  ),
  asked(`the root has at most ${MOST_BYTES} bytes`, tooLarge),
  asked("the changelog has what is released", unlisted),
  deno("publish", "--dry-run", ...await allowDirty()),
];

let passed = 0;
for (const check of checks) {
  const { success, output } = await check.run();
  if (success) passed++;
  else console.log(output.trimEnd());
  console.log(`${success ? "passed" : "failed"}  ${check.name}`);
}

const failed = checks.length - passed;
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
