// Runs the smoke tests in a runtime from npm, or in a browser.

import { fileURLToPath } from "node:url";
import {
  type CommandResult,
  runCommand,
  runSuccessfully,
} from "../_run_command.ts";

/** The oldest supported version of each runtime. */
export const RUNTIMES = ["node@24.0.0", "bun@1.3.12", "deno@2.3.0"];

/** Long enough for a busy machine, and much shorter than the timeouts of the suite. */
const SILENCE_MS = 60_000;

const SMOKE = new URL("./smoke.js", import.meta.url);
const IN_BROWSER = fileURLToPath(new URL("./_in_browser.ts", import.meta.url));

/**
 * Runs the suite in a runtime.
 *
 * @param runtime A package of npm and its version, such as `node@24`.
 * @param cwd Where the package is installed.
 */
export async function smoke(
  runtime: string,
  cwd: string,
): Promise<CommandResult> {
  await Deno.copyFile(SMOKE, `${cwd}/smoke.js`);
  const command = runtime.startsWith("deno@") ? ["run", "--no-prompt"] : [];
  return await runCommand("npx", ["-y", runtime, ...command, "smoke.js"], {
    cwd,
    silenceMs: SILENCE_MS,
  });
}

/** Runs the suite, bundled, in a browser. */
export async function smokeInBrowser(
  browser: string,
  cwd: string,
): Promise<CommandResult> {
  await Deno.copyFile(SMOKE, `${cwd}/smoke.js`);
  const script = `${cwd}/bundle.js`;
  await bundle("smoke.js", script, "esnext", cwd);
  const args = ["run", "-A", IN_BROWSER, browser, script];
  return await runCommand(Deno.execPath(), args, { silenceMs: SILENCE_MS });
}

/** Bundles a program with its imports for a target, such as "node22". */
export async function bundle(
  program: string,
  script: string,
  target: string,
  cwd: string,
): Promise<void> {
  await runSuccessfully("npx", [
    "-y",
    "esbuild@0.28.2",
    program,
    "--bundle",
    "--format=esm",
    `--target=${target}`,
    `--outfile=${script}`,
  ], { cwd });
}
