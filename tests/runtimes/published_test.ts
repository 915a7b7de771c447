// The published package holds what users need and nothing else, and the README's
// first commands work with it.

import { assertEquals } from "@std/assert";
import { readFiles } from "../../tools/_files.ts";
import { publish, type Published } from "./_published.ts";
import { checkNpmRegistry, runOrThrow } from "../_run_command.ts";

const SRC = new URL("../../src/", import.meta.url);

Deno.test({
  name: "the package as it is published",
  ignore: !await checkNpmRegistry(),
  fn: async (test) => {
    await using published = await publish();

    await test.step("holds the source of every module, and no tests", async () => {
      const src = await readFiles(SRC, ".ts");
      assertEquals(
        [...published.files.keys()].sort(),
        [
          ...["CHANGELOG.md", "LICENSE", "README.md", "deno.json", "mod.ts"],
          ...[...src.keys()].map((path) => `src/${path}`),
        ].sort(),
      );
    });

    await test.step("runs the README's first program in an empty folder, without permissions", () =>
      followReadme(published));
  },
});

const FIRST_COMMAND = /```sh\ndeno (add \S+)/;
const FIRST_PROGRAM = /```ts\n([^]+?)```/;

async function followReadme(
  { files, folder, env }: Published,
): Promise<void> {
  const readme = files.get("README.md")!;
  const cwd = `${folder}/empty`;
  await Deno.mkdir(cwd);
  const deno = (...args: string[]) =>
    runOrThrow(Deno.execPath(), args, {
      cwd,
      env: { ...env, DENO_DIR: `${folder}/new` },
    });

  await deno(...FIRST_COMMAND.exec(readme)![1]!.split(" "));
  await Deno.writeTextFile(`${cwd}/main.ts`, FIRST_PROGRAM.exec(readme)![1]!);
  const { out, err } = await deno("run", "--check", "main.ts");

  assertEquals(out, "Good morning!\nHow are you?\nThis was llama.\n");
  assertEquals(err, "Check main.ts\n");
}
