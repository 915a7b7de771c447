// The package as npm users get it: the tarball of `deno task pack`, installed in a
// folder with all that it depends on.

import { writeFiles } from "../../tools/_files.ts";
import { pack } from "../../tools/pack.ts";
import { runOrThrow } from "../_run_command.ts";
import { bundleContract } from "./_bundle_contract.ts";
import type { Published } from "./_published.ts";

/** What users have besides. */
const BESIDE = {
  // The declarations of the AI SDK import it without depending on it.
  "@types/json-schema": "7.0.15",
  "@types/node": "24.10.1",
};

/** How a package manager installs what `package.json` names. */
const INSTALL = {
  npm: ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline"],
  bun: ["npx", "-y", "bun@1.3.12", "install"],
};

/**
 * Makes a folder in which the package is installed.
 *
 * @param manager Who installs it.
 * @returns Its path.
 */
export async function install(
  { folder, env }: Published,
  manager: keyof typeof INSTALL,
): Promise<string> {
  const cwd = `${folder}/${manager}`;
  const tarball = `${folder}/package.tgz`;
  await pack(tarball);
  const manifest = {
    type: "module",
    dependencies: { "@fallback/stream": `file:${tarball}`, ...BESIDE },
  };
  await writeFiles(new Map([["package.json", JSON.stringify(manifest)]]), cwd);
  const [command, ...args] = INSTALL[manager];
  await runOrThrow(command!, args, { cwd });
  await bundleContract(cwd, env);
  return cwd;
}
