// The package as npm users get it: made of what was published as JSR does it,
// JavaScript and declarations, in a folder with all that it depends on.
//
// `deno pack` does what JSR does, but for what does not matter here: it lays
// the declarations beside the JavaScript, leaves the sources out, and keeps the
// package's name, for which npm users make an alias.

import { type Files, writeFiles } from "../../tools/_files.ts";
import { bundleContract } from "./_bundle_contract.ts";
import { type Published, unpack } from "./_published.ts";
import { succeed } from "../_process.ts";

/** What users have besides. */
const BESIDE = {
  // The declarations of the AI SDK import it, and do not ask for it.
  "@types/json-schema": "7.0.15",
  "@types/node": "24.10.1",
};

/**
 * Makes a folder in which the package is installed.
 *
 * @returns Its path.
 */
export async function install(
  { files, std, folder, env }: Published,
): Promise<string> {
  const cwd = `${folder}/npm`;
  const archive = `${folder}/package.tgz`;
  const manifest = {
    type: "module",
    dependencies: { ...npmDependencies(files), ...BESIDE },
  };
  await writeFiles(new Map([["package.json", JSON.stringify(manifest)]]), cwd);
  await succeed(
    "npm",
    ["install", "--no-audit", "--no-fund", "--prefer-offline"],
    { cwd },
  );
  await succeed(
    Deno.execPath(),
    ["pack", "--allow-dirty", "--no-source-maps", `--output=${archive}`],
    { cwd: `${folder}/published`, env },
  );
  await unpack(archive, `${cwd}/node_modules/@fallback/stream`, 1);
  await writeFiles(npmPackages(std), `${cwd}/node_modules/@jsr`);
  await bundleContract(cwd, env);
  return cwd;
}

const NPM_IMPORT = /from "npm:((?:@[^/"]+\/)?[^@/"]+)@([^/"]+)/g;

/** What the package takes from npm, also where only types come from it. */
function npmDependencies(files: Files): Record<string, string> {
  const imports = [...files.values()].flatMap((text) => [
    ...text.matchAll(NPM_IMPORT),
  ]);
  return Object.fromEntries(imports.map(([, name, range]) => [name, range]));
}

const STD_FILE = /^@std\/([^/]+)\/[^/]+(?:_meta\.json|\/(.+\.js))$/;

/** The standard library under the names that JSR gives it for npm. */
function npmPackages(std: Files): Files {
  const packages: Files = new Map();
  for (const [path, text] of std) {
    const [found, name, file] = STD_FILE.exec(path) ?? [];
    if (file !== undefined) {
      packages.set(
        `std__${name}/${file}`,
        text.replaceAll(/"jsr:@std\/([^@]+)@\^1/g, '"@jsr/std__$1'),
      );
    } else if (found !== undefined) {
      const { exports } = JSON.parse(text);
      packages.set(
        `std__${name}/package.json`,
        JSON.stringify({ type: "module", exports }),
      );
    }
  }
  return packages;
}
