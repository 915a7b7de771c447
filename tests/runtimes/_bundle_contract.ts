// Bundles the cases of the contract into one JavaScript module that imports the
// published package.

import config from "../../deno.json" with { type: "json" };
import { readFiles, writeFiles } from "../../tools/_files.ts";
import { runSuccessfully } from "../_run_command.ts";

const ROOT = new URL("../../", import.meta.url);

/**
 * An import from the package. The fakes are bundled instead, because the cases use
 * private parts of them.
 */
const EXPORTED =
  /from "\.\.\/\.\.\/src\/(?!testing\/|types\/)(\w+)(\/mod)?[^"]*"/g;

/**
 * Bundles the cases.
 *
 * @param cwd The folder that gets `contract.js`.
 * @param env What Deno needs to find the standard library.
 */
export async function bundleContract(
  cwd: string,
  env: Record<string, string>,
): Promise<void> {
  const project = `${cwd}/contract_project`;
  const { imports, compilerOptions } = config;
  const cases = await readFiles(new URL("tests/contract/", ROOT), ".ts");
  const sources = await readFiles(new URL("src/", ROOT), ".ts");
  await writeFiles(
    new Map([
      ["deno.json", JSON.stringify({ imports, compilerOptions })],
      ...[...cases].map(([path, text]) =>
        [
          `tests/contract/${path}`,
          text.replaceAll(
            EXPORTED,
            (_, name, isEntryPoint) =>
              isEntryPoint
                ? `from "@fallback/stream/${name}"`
                : 'from "@fallback/stream"',
          ),
        ] as const
      ),
      ...[...sources].map(([path, text]) => [`src/${path}`, text] as const),
    ]),
    project,
  );
  await runSuccessfully(Deno.execPath(), [
    "bundle",
    "--quiet",
    "--external=@fallback/stream",
    "--external=@fallback/stream/*",
    `--output=${cwd}/contract.js`,
    "tests/contract/contract.ts",
  ], { cwd: project, env });
}
