/**
 * A folder that is complete or not there: it is written as a draft and then
 * renamed to a name that holds a hash of its content, so that several
 * processes may write it at once and a half-written one is never seen.
 *
 * @module
 */

import { type Files, writeFiles } from "../_files.ts";
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

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Makes sure that a folder with exactly these files exists.
 *
 * @param files What it holds.
 * @param name The beginning of its path; a hash of the files follows.
 * @returns Its path.
 */
export async function ensureFolder(
  files: Files,
  name: string,
): Promise<string> {
  const folder = `${name}-${await hashOf(files)}`;
  if (await exists(folder)) return folder;
  const draft = `${name}-draft-${crypto.randomUUID()}`;
  try {
    await writeFiles(files, draft);
    await Deno.rename(draft, folder);
  } catch (error) {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    // Another process was faster, and has written the same.
    if (!await exists(folder)) throw error;
  }
  return folder;
}
