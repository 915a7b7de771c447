// The published package has the files that users need and no others, and the first
// commands of the README work with it.

import { assertEquals } from "@std/assert";
import { readFiles } from "../../tools/_files.ts";
import { publish, type Published } from "./_published.ts";
import { isNpmAvailable, runSuccessfully } from "../_run_command.ts";

const SRC = new URL("../../src/", import.meta.url);

Deno.test({
  name: "the published package",
  ignore: !await isNpmAvailable(),
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

    await test.step("runs the first program of the README in an empty folder, without permissions", () =>
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
    runSuccessfully(Deno.execPath(), args, {
      cwd,
      env: { ...env, DENO_DIR: `${folder}/new` },
    });

  await deno(...FIRST_COMMAND.exec(readme)![1]!.split(" "));
  await Deno.writeTextFile(`${cwd}/main.ts`, FIRST_PROGRAM.exec(readme)![1]!);
  const { out, err } = await deno("run", "--check", "main.ts");

  assertEquals(out, "Good morning!\nHow are you?\nThis was llama.\n");
  assertEquals(err, "Check main.ts\n");
}
