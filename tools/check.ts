/**
 * `deno task check [--release]`: all checks that do not run our code, with a line for
 * each check and a summary at the end.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { bundledSize } from "./_bundled_size.ts";
import { missingSection } from "./_check_changelog.ts";
import { readFiles } from "./_files.ts";
import { checkDocs } from "./_check_docs.ts";
import { checkStdDeclarations } from "./std_mirror/check_std_declarations.ts";
import { registry } from "./std_mirror/registry.ts";

interface CommandResult {
  readonly success: boolean;
  readonly output: string;
}

/** A check. Resolves to the problem, or `undefined`. */
interface Check {
  readonly name: string;
  run(): Promise<string | undefined>;
}

const { env, note } = await registry();
console.error(note);

async function run(command: string, args: string[]): Promise<CommandResult> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env,
    cwd: new URL("../", import.meta.url),
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { success, output: text.decode(stdout) + text.decode(stderr) };
}

/** A command of Deno that has to succeed. */
function deno(...args: string[]): Check {
  return {
    name: `deno ${args.join(" ")}`,
    async run() {
      const { success, output } = await run(Deno.execPath(), args);
      return success ? undefined : output;
    },
  };
}

/** What git prints; nothing where git is not installed. */
async function git(...args: string[]): Promise<string> {
  try {
    return (await run("git", args)).output;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** `deno publish` refuses uncommitted changes, which only matter in CI. */
async function allowDirty(): Promise<string[]> {
  return await git("status", "--porcelain") === "" ? [] : ["--allow-dirty"];
}

/** The Markdown files of a folder, whose snippets are checked, too. */
async function pagesOf(folder: string): Promise<string[]> {
  const files = await readFiles(
    new URL(`../${folder}/`, import.meta.url),
    ".md",
  );
  return [...files.keys()].map((path) => `${folder}/${path}`);
}

const KIB = 1024;

/**
 * How many bytes the root may have, bundled, minified and gzipped. Raise a limit
 * only for a feature that is worth it.
 */
const SIZE_LIMITS = [
  { what: "the root", entry: "mod.ts", bytes: 13.75 * KIB },
  {
    what: "fallbackStream alone",
    entry: "bench/compare/entries/fallback_stream.ts",
    bytes: 12.3 * KIB,
  },
];

const sizeChecks = SIZE_LIMITS.map(({ what, entry, bytes }): Check => ({
  name: `${what} has at most ${bytes} bytes`,
  async run() {
    const actual = await bundledSize(entry);
    return actual > bytes
      ? `${entry} has ${actual} bytes, ${actual - bytes} too many`
      : undefined;
  },
}));

/** The linter has no rule that requires a reason after `--`. */
async function ignoresWithoutReason(): Promise<string | undefined> {
  const ignores = ["-e", "// deno-lint-[i]gnore"];
  const reasons = ["-e", " -- "];
  const lines = await git(
    ...["grep", "-n", "--untracked", ...ignores, "--and", "--not", ...reasons],
  );
  return lines === "" ? undefined : `These give no reason:\n${lines}`;
}

async function checkChangelog(): Promise<string | undefined> {
  const changelog = new URL("../CHANGELOG.md", import.meta.url);
  const isRelease = Deno.args.includes("--release");
  return missingSection(await Deno.readTextFile(changelog), isRelease);
}

const entryPoints = Object.values(config.exports);

const checks: readonly Check[] = [
  {
    name: "every std import has a declaration",
    run: checkStdDeclarations,
  },
  deno("fmt", "--check"),
  deno("lint"),
  {
    name: "every comment that silences the linter gives a reason",
    run: ignoresWithoutReason,
  },
  deno("check", "--quiet", "--doc", ".", "README.md", ...await pagesOf("docs")),
  deno("doc", "--lint", ...entryPoints),
  {
    name: "every export is documented",
    run: () => checkDocs(entryPoints, env),
  },
  ...sizeChecks,
  { name: "the changelog has a section for the version", run: checkChangelog },
  // Types are checked above.
  deno("publish", "--dry-run", "--no-check", ...await allowDirty()),
];

let passed = 0;
for (const { name, run } of checks) {
  const problem = await run();
  if (problem === undefined) passed++;
  else console.log(problem.trimEnd());
  console.log(`${problem === undefined ? "passed" : "failed"}  ${name}`);
}

const failed = checks.length - passed;
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
