/**
 * Where this machine gets the standard library from: from JSR, or, where JSR
 * cannot be reached, from a mirror that is made from npm.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";

const PROBE = "https://jsr.io/@std/async/meta.json";
const PROBE_TIMEOUT_MS = 3000;
/** The registry to use: variables for a process, and a line for people. */
export interface Registry {
  /** Variables to add to the environment. */
  readonly env: Record<string, string>;
  /** Describes the registry. */
  readonly note: string;
}

/** Whether JSR itself answers, and not a captive portal or a proxy. */
export async function jsrAnswers(): Promise<boolean> {
  try {
    const response = await fetch(PROBE, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    return (await response.json()).scope === "std";
  } catch {
    return false;
  }
}

/** What Deno prints when it runs with these arguments. */
async function deno(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`'deno ${args.join(" ")}' has failed`);
  return new TextDecoder().decode(stdout).trim();
}

/**
 * Makes the mirror, in a process that may read this project and Deno's cache, write
 * into the mirror's folder, and run Deno.
 */
async function makeMirror(): Promise<string> {
  const { denoDir } = JSON.parse(await deno("info", "--json"));
  const project = fileURLToPath(new URL("../../", import.meta.url));
  const parent = `${denoDir}/std_from_npm`;
  const script = new URL("./_make_mirror.ts", import.meta.url);
  return await deno(
    "run",
    "--no-prompt",
    "--quiet",
    `--allow-read=${project},${denoDir}`,
    `--allow-run=${Deno.execPath()}`,
    `--allow-write=${parent}`,
    fileURLToPath(script),
    parent,
  );
}

/** Finds the registry to use, and makes the mirror if JSR does not answer. */
export async function registry(): Promise<Registry> {
  const given = Deno.env.get("JSR_URL");
  if (given !== undefined) {
    return { env: {}, note: `std from JSR_URL, ${given}` };
  }
  if (await jsrAnswers()) return { env: {}, note: "std from JSR" };
  const folder = await makeMirror();
  return {
    env: { JSR_URL: `${pathToFileURL(folder)}/` },
    note: `JSR cannot be reached: std from npm, mirrored in ${folder}`,
  };
}
