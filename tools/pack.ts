/**
 * `deno task pack [FILE]`: the package as a tarball for npm, which installs
 * without JSR.
 *
 * `deno pack` leaves the specifiers of the import map as they are, so that Node
 * cannot resolve them, and makes `jsr:` packages dependencies of the scope
 * `@jsr`, which npm's own registry does not have. And it names no package of which
 * only types are imported. So this packs a copy of the published files, in which
 * npm packages are imported by inline `npm:` specifiers and the modules of the
 * standard library that we use are bundled, and then completes the `package.json`.
 *
 * @module
 */

import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };
import { type Files, readFiles, writeFiles } from "./_files.ts";
import { DECLARATIONS } from "./std_mirror/_std_packages.ts";
import { registry } from "./std_mirror/registry.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** An import or export that begins a line, or the last line of a long one. */
const IMPORT = /^((?:import|export|\}).* from )"([@\w][^"]*)"/gm;
/** Where the bundled modules go. */
const STD_FOLDER = "src/_std";
const STD_NOTICE =
  "// From the standard library of Deno. Copyright the Deno authors. MIT license.\n";
/** Names the file that a part of a bundle comes from, on this machine. */
const ORIGIN = /^\/\/ .*std_from_npm.*\n|^\/\/ https:\/\/jsr\.io\/.*\n/gm;
const ENGINES = { node: ">=24" };

/** The copy of a text with other specifiers. */
function rewriteSpecifiers(
  text: string,
  rewrite: (specifier: string) => string | undefined,
): string {
  return text.replaceAll(
    IMPORT,
    (_, before, specifier) => `${before}"${rewrite(specifier) ?? specifier}"`,
  );
}

/** `@std/async/delay` is bundled into `async/delay.js`, as its declaration is. */
const stemOf = (specifier: string) =>
  specifier.slice("@std/".length).replaceAll("-", "_");

/** The published files, with specifiers that `deno pack` understands. */
async function packedFiles(): Promise<
  { files: Files; std: Set<string>; dependencies: Record<string, string> }
> {
  const files: Files = new Map();
  const dependencies: Record<string, string> = {};
  const std = new Set<string>();
  const imports: Record<string, string> = config.imports;
  const sources = await readFiles(new URL("../src/", import.meta.url), ".ts");
  const all: [string, string][] = [
    ["mod.ts", await Deno.readTextFile(`${ROOT}/mod.ts`)],
    ...[...sources].map(([path, text]): [string, string] => [
      `src/${path}`,
      text,
    ]),
  ];
  for (const [path, text] of all) {
    files.set(
      path,
      rewriteSpecifiers(text, (specifier) => {
        if (!specifier.startsWith("@std/")) {
          const range = /@([^@]+)$/.exec(imports[specifier] ?? "")?.[1];
          if (range !== undefined) dependencies[specifier] = range;
          return imports[specifier];
        }
        std.add(specifier);
        return "../".repeat(path.split("/").length - 1) +
          `${STD_FOLDER}/${stemOf(specifier)}.js`;
      }),
    );
  }
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md"]) {
    files.set(name, await Deno.readTextFile(`${ROOT}/${name}`));
  }
  const { name, version, license, exports } = config;
  files.set("deno.json", JSON.stringify({ name, version, license, exports }));
  return { files, std, dependencies };
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env,
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Bundles a module, with our declaration of it. */
async function bundle(
  specifier: string,
  target: string,
  env: Record<string, string>,
): Promise<void> {
  const output = `--output=${target}`;
  const entry = import.meta.resolve(specifier);
  await run(Deno.execPath(), ["bundle", "--quiet", output, entry], ROOT, env);
  const code = await Deno.readTextFile(target);
  const declaration = target.replace(/\.js$/, ".d.ts");
  const types = `// @ts-self-types="./${basename(declaration)}"\n`;
  const text = types + STD_NOTICE + code.replaceAll(ORIGIN, "");
  await Deno.writeTextFile(target, text);
  await Deno.copyFile(
    new URL(`${stemOf(specifier)}.d.ts`, DECLARATIONS),
    declaration,
  );
}

/**
 * Makes the tarball.
 *
 * @param target The path of the file to write.
 */
export async function pack(target: string): Promise<void> {
  const { env } = await registry();
  const folder = await Deno.makeTempDir();
  try {
    const { files, std, dependencies } = await packedFiles();
    await writeFiles(files, folder);
    for (const specifier of std) {
      await bundle(
        specifier,
        `${folder}/${STD_FOLDER}/${stemOf(specifier)}.js`,
        env,
      );
    }
    const draft = `${folder}/draft.tgz`;
    const args = ["pack", "--no-source-maps", `--output=${draft}`];
    await run(Deno.execPath(), args, folder, env);
    await run("tar", ["-xzf", draft], folder);
    const manifestFile = `${folder}/package/package.json`;
    const manifest = JSON.parse(await Deno.readTextFile(manifestFile));
    const added = { engines: ENGINES, dependencies };
    const complete = JSON.stringify({ ...manifest, ...added }, null, 2);
    await Deno.writeTextFile(manifestFile, `${complete}\n`);
    await run("tar", ["-czf", resolve(target), "package"], folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const { name, version } = config;
  const target = Deno.args[0] ??
    `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
  await pack(target);
  console.log(target);
}
