/**
 * The standard library as npm has it: which folders we serve, from which
 * version of the package, and how to read them with our declarations.
 *
 * @module
 */

import { type Files, readFiles } from "./_files.ts";
import { type PackageName, registryFiles, serve } from "./_mirror.ts";

/** A package to serve, and the version of `deno-std` that it is taken from. */
interface Shelf extends PackageName {
  /** The version of the npm package `deno-std`. */
  readonly from: string;
}

/** What we serve. `testing`, and `fs` that it needs, were left out of 1.4.0. */
const SHELVES: readonly Shelf[] = [
  { folder: "assert", version: "1.0.19", from: "1.4.0" },
  { folder: "async", version: "1.5.0", from: "1.4.0" },
  { folder: "bytes", version: "1.0.6", from: "1.4.0" },
  { folder: "data_structures", version: "1.1.0", from: "1.4.0" },
  { folder: "internal", version: "1.0.13", from: "1.4.0" },
  { folder: "path", version: "1.1.6", from: "1.4.0" },
  { folder: "streams", version: "1.1.2", from: "1.4.0" },
  { folder: "fs", version: "1.0.19", from: "1.3.1" },
  { folder: "testing", version: "1.0.16", from: "1.3.1" },
];

/** Our declarations, a folder for each package. */
export const DECLARATIONS: URL = new URL("./std_types/", import.meta.url);

/**
 * Where Deno keeps the files of a version of `deno-std`, fetched if need be.
 *
 * The specifier is computed, so that npm is not asked before this is called;
 * and it resolves to a path only once it has been imported.
 */
async function unpacked(version: string): Promise<URL> {
  const file = "bytes/copy.js"; // a file without any effect on import
  const specifier = `npm:deno-std@${version}/${file}`;
  await import(specifier);
  return new URL("../", import.meta.resolve(specifier));
}

/** A whole registry that holds the standard library, as files. */
export async function library(): Promise<Files> {
  const parts = await Promise.all(SHELVES.map(async (shelf) => {
    const folder = `${shelf.folder}/`;
    const sources = await readFiles(
      new URL(folder, await unpacked(shelf.from)),
      ".js",
    );
    const declarations = await readFiles(
      new URL(folder, DECLARATIONS),
      ".d.ts",
    );
    return registryFiles(shelf, serve(shelf.folder, sources, declarations));
  }));
  return new Map(parts.flatMap((part) => [...part]));
}
