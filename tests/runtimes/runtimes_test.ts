// The npm package works in other runtimes, in a browser and with other compilers. In
// unsupported runtimes the error has the supported versions.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findBrowser } from "../_find_browser.ts";
import { compile, COMPILERS } from "./_compile.ts";
import { install, makeTarball } from "./_package.ts";
import { publish } from "./_published.ts";
import {
  type CommandResult,
  isNpmAvailable,
  runCommand,
} from "../_run_command.ts";
import { bundle, RUNTIMES, smoke, smokeInBrowser } from "./_smoke.ts";

/** A runtime without `await using` and AsyncDisposableStack. */
const TOO_OLD = "node@22.20.0";
const FIRST_CALL = `
import { fallbackStream } from "@fallback/stream";
console.log("imported");
async function* model() { yield "Hello"; }
await fallbackStream([model], "hi").catch((error) => console.log(\`\${error}\`));
`;

const browser = await findBrowser();

Deno.test({
  name: "the npm tarball",
  ignore: !await isNpmAvailable(),
  fn: async (test) => {
    await using published = await publish();
    const tarball = await makeTarball(published);
    const folder = await install(published, tarball, "npm");
    const folders = {
      npm: folder,
      bun: await install(published, tarball, "bun"),
    };

    for (const runtime of RUNTIMES) {
      const manager = runtime.startsWith("bun@") ? "bun" : "npm";
      await test.step(
        `installs with ${manager} and works in ${runtime}`,
        async (step) =>
          checkLines(step, await smoke(runtime, folders[manager])),
      );
    }

    await test.step({
      name: "works bundled in a browser",
      ignore: browser === undefined,
      fn: async (step) =>
        checkLines(step, await smokeInBrowser(browser!, folder)),
    });

    for (const compiler of COMPILERS) {
      const { version, moduleResolution } = compiler;
      await test.step(`has declarations for TypeScript ${version}, ${moduleResolution}`, async () => {
        const { out, err } = await compile(compiler, folder);
        assertEquals(out, "", err);
      });
    }

    await Deno.writeTextFile(`${folder}/first.js`, FIRST_CALL);
    await test.step(`shows the supported versions in the syntax error of ${TOO_OLD}`, async () => {
      const { err } = await runCommand("npx", ["-y", TOO_OLD, "first.js"], {
        cwd: folder,
      });
      assertStringIncludes(err, "// Deno 2.3, Node 24, Bun 1.3.12\n");
    });

    await test.step(`rejects the first call with the supported versions when it is bundled for ${TOO_OLD}`, async () => {
      await bundle("first.js", `${folder}/first.mjs`, "node22", folder);
      const { out } = await runCommand("npx", ["-y", TOO_OLD, "first.mjs"], {
        cwd: folder,
      });
      assertEquals(out.split("\n"), [
        "imported",
        "TypeError: Cannot open streams as this runtime has no AsyncDisposableStack: Deno 2.3, Node 24, Bun 1.3.12 or later is required",
        "",
      ]);
    });
  },
});

/** Reports each check as a test step, and checks the count at the end. */
async function checkLines(
  test: Deno.TestContext,
  { success, out, err }: CommandResult,
): Promise<void> {
  const lines = out.trimEnd().split("\n");
  const count = lines.pop();
  for (const line of lines) {
    const name = line.slice("passed  ".length);
    await test.step(name, () => assert(line.startsWith("passed"), line));
  }
  assert(success, err);
  assertEquals(count, `${lines.length} passed, 0 failed`);
}
