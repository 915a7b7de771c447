// The handler in Node and Bun, as one file that `deno bundle` creates.

import { assert, assertEquals } from "@std/assert";

const entry = new URL("_other_runtime.ts", import.meta.url).pathname;
const tool = new URL("../../../tools/deno.ts", import.meta.url).pathname;

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

const runtimes = { Node: ["-y", "node@24"], Bun: ["-y", "bun@1.3.14"] };

for (const [name, args] of Object.entries(runtimes)) {
  Deno.test(`gateway() answers under ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const bundle = `${folder}/bundle.mjs`;
      await run(Deno.execPath(), [
        "run",
        "-A",
        tool,
        "bundle",
        "--quiet",
        "--platform=browser",
        "-o",
        bundle,
        entry,
      ]);
      assertEquals(await run("npx", [...args, bundle]), "200 true\n200 true\n");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
