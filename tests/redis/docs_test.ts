// Type-checks the snippets of docs/health.md against the clients' own types.
// `clients_test.ts` runs the same code.

import { assert, assertEquals } from "@std/assert";
import { isNpmAvailable } from "../_run_command.ts";
import { temporaryFolder } from "../_temporary_folder.ts";

const ROOT = new URL("../..", import.meta.url);

Deno.test({
  name: "docs/health.md: the snippets type-check with each Redis client",
  ignore: !await isNpmAvailable(),
  fn: async () => {
    const text = await Deno.readTextFile(new URL("docs/health.md", ROOT));
    const snippets = [...text.matchAll(/```ts ignore\n(.*?)```/gs)]
      .map(([, code]) => code!)
      .filter((code) => !code.includes('from "bun"')); // Its types are not on npm.
    assertEquals(snippets.length, 4);
    await using folder = await temporaryFolder();
    const config = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", ROOT)),
    );
    config.imports = {
      ...config.imports,
      "@fallback/stream/redis": new URL("src/redis/mod.ts", ROOT).href,
      redis: "npm:redis@6.3.1",
      ioredis: "npm:ioredis@6.0.0",
      iovalkey: "npm:iovalkey@0.4.0",
    };
    delete config.exports;
    await Deno.writeTextFile(
      `${folder.path}/deno.json`,
      JSON.stringify(config),
    );
    const files = await Promise.all(snippets.map(async (code, i) => {
      const file = `${folder.path}/snippet_${i}.ts`;
      await Deno.writeTextFile(file, code);
      return file;
    }));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", ...files],
      cwd: folder.path,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  },
});
