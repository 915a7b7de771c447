// The modules of an implementation, loaded again and again with small changes.
// A module is known by its address: one that has changed gets a new one, and so
// does whatever imports it. The rest is shared.

import type { Subject } from "@fallback/stream/testing";

/** Texts by their paths, as seen from the root. */
export type Files = ReadonlyMap<string, string>;

const ROOT = new URL("../../", import.meta.url);
const IMPORT = /(?<=^(?:import|export) (?!type)[^;]*? from ")\.[^"]+/gm;

/** What a subject is loaded from. */
const ENTRIES = ["mod.ts", "src/continue.ts"];

/** Reads the entry modules and all that they import. */
export async function readModules(): Promise<Files> {
  const files = new Map(ENTRIES.map((path) => [path, ""]));
  for (const path of files.keys()) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    files.set(path, text);
    for (const imported of importsOf(path, text)) {
      if (!files.has(imported)) files.set(imported, "");
    }
  }
  return files;
}

/** Loads all of the files, from a folder that they are written to. */
export async function load(files: Files, folder: URL): Promise<Subject> {
  for (const [path, text] of files) await write(new URL(path, folder), text);
  return await subject(folder, "");
}

/**
 * Loads them once more where some have changed.
 *
 * @param version Makes the addresses new.
 */
export async function loadChanged(
  files: Files,
  folder: URL,
  changed: readonly string[],
  version: number,
): Promise<Subject> {
  const reached = reachOf(files, changed);
  for (const path of reached) {
    const text = files.get(path)!.replaceAll(
      IMPORT,
      (to) => reached.has(resolve(to, path)) ? `${to}?${version}` : to,
    );
    await write(new URL(path, folder), text);
  }
  return await subject(folder, `?${version}`);
}

async function subject(folder: URL, query: string): Promise<Subject> {
  const entries = ENTRIES.map((path) =>
    import(new URL(`${path}${query}`, folder).href)
  );
  return Object.assign({}, ...await Promise.all(entries));
}

/** The files themselves, and all that import them, however far away. */
function reachOf(files: Files, changed: readonly string[]): Set<string> {
  const reached = new Set(changed);
  for (const path of reached) {
    for (const [other, text] of files) {
      if (importsOf(other, text).includes(path)) reached.add(other);
    }
  }
  return reached;
}

function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([to]) => resolve(to, path));
}

function resolve(to: string, path: string): string {
  return new URL(to, `file:///${path}`).pathname.slice(1);
}

async function write(file: URL, text: string): Promise<void> {
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, text);
}
