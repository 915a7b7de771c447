/**
 * One package of the standard library, laid out as a JSR registry serves it:
 * its versions, a manifest with checksums, its exports, and its files, each
 * with the declaration beside it that we wrote for it. Pure: texts in, texts out.
 *
 * @module
 */

import type { Files } from "../_files.ts";
import { hexDigest } from "./_digest.ts";

/** The name and version of a package on JSR. */
export interface PackageName {
  /** The folder that holds it in the standard library, in snake_case. */
  readonly folder: string;
  /** The version on JSR that its files are closest to. */
  readonly version: string;
}

// A comment that begins a line is taken whole, so that the look-alikes of
// import lines in its examples are passed over. The rest that begins a line
// is code: `import … from`, `export … from`, the last line of a long import.
const COMMENT_OR_IMPORT =
  /^[ \t]*\/\*[^]*?\*\/|^((?:import|export|\})[^"'\n]*["'])(\.[^"'\n]*)(["'];?)$/gm;

/** The name of a folder or file as JSR spells it in packages and exports. */
export function kebab(name: string): string {
  return name.replaceAll("_", "-");
}

/**
 * Turns relative imports that leave the package into `jsr:` specifiers.
 *
 * @param code The JavaScript, or the declaration, of one file.
 * @param path Its path from the root of the library: `path/posix/join.js`.
 */
export function rewriteImports(code: string, path: string): string {
  return code.replace(
    COMMENT_OR_IMPORT,
    (line, before?: string, specifier?: string, after?: string) => {
      if (specifier === undefined) return line;
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
      const [folder, ...rest] = target.split("/");
      if (folder === path.split("/")[0]) return line;
      // Some versions import from `data-structures`, a folder that they lack:
      // as the name of a package that is right.
      const subpath = exportName(rest.join("/")).slice(1);
      return `${before}jsr:@std/${kebab(folder!)}@^1${subpath}${after}`;
    },
  );
}

/** `delay.js` is `./delay`, `mod.js` is `.`, `posix/mod.js` is `./posix`. */
export function exportName(file: string): string {
  const stem = file.replace(/\.(js|d\.ts)$/, "").replace(/(^|\/)mod$/, "");
  return stem === "" ? "." : `./${kebab(stem)}`;
}

/** The exports of a package: every file, except what an underscore makes private. */
export function exportsOf(paths: Iterable<string>): Record<string, string> {
  const entries = [...paths]
    .filter((path) => path.endsWith(".js") && !/(^|\/)_/.test(path))
    .map((path) => [exportName(path), `./${path}`]);
  return Object.fromEntries(entries.sort());
}

/** The declaration of a root module: those of its parts that have one. */
function rootDeclaration(code: string, declarations: Files): string {
  return [...code.matchAll(/^export \* from "\.\/([^"]+)\.js";$/gm)]
    .filter(([, part]) => declarations.has(`${part}.d.ts`))
    .map(([, part]) => `export * from "./${part}.d.ts";\n`)
    .join("");
}

/**
 * The files of a package as they are served, declarations attached.
 *
 * @param folder The package's folder in the library.
 * @param sources Its JavaScript, by path within the package.
 * @param declarations Our declarations, by path within the package.
 */
export function serve(
  folder: string,
  sources: Files,
  declarations: Files,
): Files {
  const all: Files = new Map([...sources, ...declarations]);
  const root = sources.get("mod.js");
  if (root !== undefined && declarations.size > 0) {
    all.set("mod.d.ts", rootDeclaration(root, declarations));
  }
  const served: Files = new Map();
  for (const [path, code] of all) {
    const declaration = path.replace(/\.js$/, ".d.ts");
    const types = declaration !== path && all.has(declaration)
      ? `// @ts-self-types="./${declaration.split("/").at(-1)}"\n`
      : "";
    served.set(path, types + rewriteImports(code, `${folder}/${path}`));
  }
  return served;
}

async function manifestOf(files: Files): Promise<Record<string, unknown>> {
  const manifest: Record<string, unknown> = {};
  for (const [path, text] of files) {
    const bytes = new TextEncoder().encode(text);
    manifest[`/${path}`] = {
      size: bytes.length,
      checksum: `sha256-${await hexDigest("SHA-256", bytes)}`,
    };
  }
  return manifest;
}

/**
 * The part of a registry's folder that is about one package.
 *
 * @param name The package, with its scope: `@std/async`.
 * @param version The one version that it has.
 * @param exports What can be imported of it, and where that is.
 * @param files Its files.
 */
export async function packageFiles(
  name: string,
  version: string,
  exports: Record<string, string>,
  files: Files,
): Promise<Files> {
  const [scope = "", bare] = name.slice(1).split("/");
  const meta = {
    scope,
    name: bare,
    latest: version,
    versions: { [version]: {} },
  };
  const manifest = await manifestOf(files);
  return new Map([
    [`${name}/meta.json`, JSON.stringify(meta)],
    [`${name}/${version}_meta.json`, JSON.stringify({ manifest, exports })],
    ...[...files].map(([path, text]) =>
      [`${name}/${version}/${path}`, text] as const
    ),
  ]);
}

/** The part of a registry's folder that is about one package of the library. */
export function registryFiles(
  { folder, version }: PackageName,
  served: Files,
): Promise<Files> {
  const exports = exportsOf(served.keys());
  return packageFiles(`@std/${kebab(folder)}`, version, exports, served);
}
