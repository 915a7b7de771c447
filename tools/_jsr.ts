/**
 * Where this machine gets the standard library from: from JSR, or, where JSR
 * cannot be reached, from a mirror that is made from npm.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import { ensureFolder } from "./_folder.ts";
import { library } from "./_library.ts";

const PROBE = "https://jsr.io/@std/async/meta.json";
const PROBE_MS = 3000;

/** What a process needs in its environment, and a line that says why. */
export interface Registry {
  /** Variables to add to the environment. */
  readonly env: Record<string, string>;
  /** Which registry this is, for people. */
  readonly note: string;
}

/** Whether JSR itself answers: a portal's page that says "log in" does not count. */
export async function jsrAnswers(): Promise<boolean> {
  try {
    const response = await fetch(PROBE, {
      signal: AbortSignal.timeout(PROBE_MS),
    });
    return (await response.json()).scope === "std";
  } catch {
    return false;
  }
}

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** Finds the registry to use, and makes the mirror if it takes one. */
export async function registry(): Promise<Registry> {
  const given = Deno.env.get("JSR_URL");
  if (given !== undefined) {
    return { env: {}, note: `std from JSR_URL, ${given}` };
  }
  if (await jsrAnswers()) return { env: {}, note: "std from JSR" };
  const folder = await ensureFolder(
    await library(),
    `${await denoDir()}/std_from_npm`,
  );
  return {
    env: { JSR_URL: `${pathToFileURL(folder)}/` },
    note: `JSR cannot be reached: std from npm, mirrored in ${folder}`,
  };
}
