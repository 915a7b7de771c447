// The package as npm users get it: the tarball of `deno task pack`, installed in a
// folder with its dependencies.

import { writeFiles } from "../../tools/_files.ts";
import { pack } from "../../tools/pack.ts";
import { runSuccessfully } from "../_run_command.ts";
import { bundleContract } from "./_bundle_contract.ts";
import type { Published } from "./_published.ts";

/** Other packages that users install. */
const BESIDE = {
  // The declarations of the AI SDK import it without depending on it.
  "@types/json-schema": "7.0.15",
  "@types/node": "24.10.1",
};

/** The commands that install the dependencies of `package.json`. */
const INSTALL = {
  npm: ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline"],
  bun: ["npx", "-y", "bun@1.3.12", "install"],
};

/** Makes the tarball, and the suite that tests it. Returns the tarball's path. */
export async function makeTarball(
  { folder, env }: Published,
): Promise<string> {
  const tarball = `${folder}/package.tgz`;
  await pack(tarball);
  await bundleContract(folder, env);
  return tarball;
}

/**
 * Creates a folder, and installs the package in it, beside the suite.
 *
 * @param tarball The path of the package.
 * @param manager The package manager.
 * @returns The path of the folder.
 */
export async function install(
  { folder }: Published,
  tarball: string,
  manager: keyof typeof INSTALL,
): Promise<string> {
  const cwd = `${folder}/${manager}`;
  const manifest = {
    type: "module",
    dependencies: { "@fallback/stream": `file:${tarball}`, ...BESIDE },
  };
  await writeFiles(new Map([["package.json", JSON.stringify(manifest)]]), cwd);
  const [command, ...args] = INSTALL[manager];
  await runSuccessfully(command!, args, { cwd });
  await Deno.copyFile(`${folder}/contract.js`, `${cwd}/contract.js`);
  return cwd;
}
