// The modules of an implementation, loaded again and again with small changes.
// A module is known by its address: one that has changed gets a new one, and so
// does whatever imports it. The rest is shared.

/** Texts by their paths, as seen from the root. */
export type Files = ReadonlyMap<string, string>;

const ROOT = new URL("../../", import.meta.url);
const IMPORT = /(?<=^(?:import|export) (?!type)[^;]*? from ")\.[^"]+/gm;

/** Reads the entry modules and all that they import. */
export async function readModules(entries: readonly string[]): Promise<Files> {
  const files = new Map(entries.map((path) => [path, ""]));
  for (const path of files.keys()) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    files.set(path, text);
    for (const imported of importsOf(path, text)) {
      if (!files.has(imported)) files.set(imported, "");
    }
  }
  return files;
}

/**
 * Loads all of the files, from a folder that they are written to.
 *
 * @returns What the entries export, all together.
 */
export async function load<Subject>(
  files: Files,
  entries: readonly string[],
  folder: URL,
): Promise<Subject> {
  for (const [path, text] of files) await write(new URL(path, folder), text);
  return await exported(entries, folder);
}

/**
 * Loads them once more where some have changed.
 *
 * @param version Makes the addresses new.
 */
export async function loadChanged<Subject>(
  files: Files,
  entries: readonly string[],
  folder: URL,
  changed: readonly string[],
  version: number,
): Promise<Subject> {
  const reached = reachOf(files, changed);
  const renewed = (path: string) =>
    reached.has(path) ? `${path}?${version}` : path;
  for (const path of reached) {
    const text = files.get(path)!.replaceAll(
      IMPORT,
      (to) => reached.has(resolve(to, path)) ? `${to}?${version}` : to,
    );
    await write(new URL(path, folder), text);
  }
  return await exported(entries.map(renewed), folder);
}

async function exported<Subject>(
  entries: readonly string[],
  folder: URL,
): Promise<Subject> {
  const modules = entries.map((path) => import(new URL(path, folder).href));
  return Object.assign({}, ...await Promise.all(modules));
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
