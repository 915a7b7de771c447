/**
 * Checks that our code imports from the standard library only what has a
 * declaration of ours. Anything else would silently be `any` where JSR cannot be
 * reached.
 *
 * @module
 */

import { type Files, readFiles } from "../_files.ts";
import { DECLARATIONS } from "./_std_packages.ts";
import { exportName, kebab } from "./_registry_files.ts";

/** The names that can be imported, by package and export: `async/delay`. */
export type Declared = Map<string, Set<string>>;

/** One import of the standard library. */
export interface StdImport {
  /** The package and its export: `async/delay`. */
  readonly module: string;
  /** The imported names. */
  readonly names: readonly string[];
}

// An import that begins a line, also in the example of a doc comment or of the
// README; or a dynamic one.
const IMPORT =
  /^[ \t]*(?:\*[ \t]*)?(?:import|export)\b([^"';]*)["'](?:jsr:)?@std\/([^"'\s]+)["']|\bimport\(\s*["'](?:jsr:)?@std\/([^"'\s]+)["']/gm;
const DECLARATION =
  /^export (?:declare )?(?:abstract )?(?:class|const|function|interface|type) (\w+)/gm;
const NAMES = /\{([^}]*)\}/;

/** The names between the braces of an import or export, as the module has them. */
function namesIn(clause: string): string[] {
  const [, list = ""] = NAMES.exec(clause) ?? [];
  return list.split(",")
    .map((name) =>
      name.replace(/^[\s*]*(?:type\s+)?/, "").replace(/\s[^]*$/, "")
    )
    .filter((name) => name !== "");
}

/** The imports of the standard library in a text. */
export function stdImports(text: string): StdImport[] {
  return [...text.matchAll(IMPORT)].map(([, clause = "", fixed, dynamic]) => ({
    module: (fixed ?? dynamic)!.replace(/@[^/]*/, ""),
    names: namesIn(clause),
  }));
}

/** The exports of one declaration. */
function exportedNames(declaration: string): string[] {
  const inline = [...declaration.matchAll(DECLARATION)].map(([, name]) =>
    name!
  );
  const listed = [...declaration.matchAll(/^export (?:type )?\{[^}]*\}/gm)]
    .flatMap(([clause]) => namesIn(clause));
  return [...inline, ...listed];
}

/**
 * Reads the exports that our declarations cover.
 *
 * @param declarations The declarations, by path: `async/delay.d.ts`.
 */
export function declaredIn(declarations: Files): Declared {
  const declared: Declared = new Map();
  for (const [path, text] of declarations) {
    const [, folder, file] = /^([^/]+)\/(.+)$/.exec(path)!;
    const root = kebab(folder!);
    for (const module of [root, root + exportName(file!).slice(1)]) {
      const names = declared.get(module) ?? new Set();
      for (const name of exportedNames(text)) names.add(name);
      declared.set(module, names);
    }
  }
  return declared;
}

/** The imports that no declaration covers, a line each. */
export function undeclared(code: Files, declared: Declared): string[] {
  return [...code].flatMap(([path, text]) =>
    stdImports(text).flatMap(({ module, names }) => {
      const known = declared.get(module);
      if (known === undefined) return [`${path}: "@std/${module}"`];
      return names.filter((name) => !known.has(name))
        .map((name) => `${path}: ${name} from "@std/${module}"`);
    })
  );
}

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = ["src", "tests", "examples", "bench", "tools"];

/** Reads all of our files that may import the standard library. */
async function ourCode(): Promise<Files> {
  const code: Files = new Map();
  for await (const { name, isFile } of Deno.readDir(ROOT)) {
    if (!isFile || !/\.(ts|md)$/.test(name)) continue;
    code.set(name, await Deno.readTextFile(new URL(name, ROOT)));
  }
  for (const folder of FOLDERS) {
    const files = await readFiles(new URL(`${folder}/`, ROOT), ".ts");
    for (const [path, text] of files) code.set(`${folder}/${path}`, text);
  }
  return code;
}

/**
 * Checks that every import of the standard library has a declaration of ours.
 *
 * @returns The problems, a line each, or `undefined`.
 */
export async function checkStdDeclarations(): Promise<string | undefined> {
  const declared = declaredIn(await readFiles(DECLARATIONS, ".d.ts"));
  const missing = undeclared(await ourCode(), declared);
  if (missing.length === 0) return undefined;
  return [
    "Where JSR cannot be reached these imports would be `any`.",
    "Declare them in tools/std_mirror/types, as the real ones are declared:",
    ...missing.map((line) => `  ${line}`),
  ].join("\n");
}
