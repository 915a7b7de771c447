/**
 * A folder that is complete or not there: it is written as a draft and then
 * renamed to a name that holds a hash of its content, so that several
 * processes may write it at once and a half-written one is never seen.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import { type Files, readFiles, writeFiles } from "../_files.ts";
import { hexDigest } from "./_digest.ts";

/** A short hash of paths and contents, whatever their order. */
export async function hashOf(files: Files): Promise<string> {
  return (await hexDigest("SHA-256", bytesOf(files))).slice(0, 16);
}

/** Paths and contents as bytes, whatever their order. */
export function bytesOf(files: Files): Uint8Array<ArrayBuffer> {
  const sorted = [...files].sort(([a], [b]) => a < b ? -1 : 1);
  return new TextEncoder().encode(JSON.stringify(sorted));
}

/**
 * Whether a folder with this hash is there.
 *
 * @throws {Error} If it holds something else: it was changed by hand.
 */
async function exists(folder: string, hash: string): Promise<boolean> {
  const files = await readFiles(pathToFileURL(`${folder}/`), "");
  if (files.size === 0) return false;
  if (await hashOf(files) === hash) return true;
  throw new Error(`The files in ${folder} were changed: remove this folder`);
}

/**
 * Makes sure that a folder with exactly these files exists.
 *
 * @param files What it holds.
 * @param name The beginning of its path; a hash of the files follows.
 * @returns Its path.
 *
 * @throws {Error} If it is there with other files.
 */
export async function ensureFolder(
  files: Files,
  name: string,
): Promise<string> {
  const hash = await hashOf(files);
  const folder = `${name}-${hash}`;
  if (await exists(folder, hash)) return folder;
  const draft = `${name}-draft-${crypto.randomUUID()}`;
  try {
    await writeFiles(files, draft);
    await Deno.rename(draft, folder);
  } catch (error) {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    // Another process was faster, and has written the same.
    if (!await exists(folder, hash)) throw error;
  }
  return folder;
}
