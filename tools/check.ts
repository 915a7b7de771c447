/**
 * `deno task check`: everything that can be checked without running our code,
 * a line for each check and the count at the end.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { complaint } from "./_declared.ts";
import { complaint as undocumented } from "./_documented.ts";
import { registry } from "./_jsr.ts";

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

/** `deno publish` refuses what is not committed: outside CI that is no fault. */
async function allowDirty(): Promise<string[]> {
  try {
    const { output } = await run("git", ["status", "--porcelain"]);
    return output === "" ? [] : ["--allow-dirty"];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // no git to ask
    throw error;
  }
}

const declarations: Check = {
  name: "every std import is declared",
  async run() {
    const output = await complaint();
    return { success: output === undefined, output: output ?? "" };
  },
};

const comments: Check = {
  name: "every export is documented",
  async run() {
    const output = await undocumented(Object.values(config.exports), env);
    return { success: output === undefined, output: output ?? "" };
  },
};

const checks: readonly Check[] = [
  declarations,
  deno("fmt", "--check"),
  deno("lint"),
  deno("check", "--quiet"),
  deno("doc", "--lint", ...Object.values(config.exports)),
  comments,
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
