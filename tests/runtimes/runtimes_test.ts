// The package as npm users get it keeps its promises elsewhere; and where it
// cannot work, it says so.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findBrowser } from "../_find_browser.ts";
import { compile, COMPILERS } from "./_compile.ts";
import { install } from "./_package.ts";
import { publish } from "./_published.ts";
import { type Ended, npmAnswers, run } from "../_process.ts";
import { bundle, RUNTIMES, smoke, smokeInBrowser } from "./_smoke.ts";

/** It knows neither `await using` nor AsyncDisposableStack. */
const TOO_OLD = "node@22.20.0";
const FIRST_CALL = `
import { fallbackStream } from "@fallback/stream";
console.log("imported");
async function* model() { yield "Hello"; }
await fallbackStream([model], "hi").catch((error) => console.log(\`\${error}\`));
`;

const browser = await findBrowser();

Deno.test({
  name: "the package as npm has it",
  ignore: !await npmAnswers(),
  fn: async (test) => {
    await using published = await publish();
    const folder = await install(published);

    for (const runtime of RUNTIMES) {
      await test.step(
        `works in ${runtime}`,
        async (step) => checkLines(step, await smoke(runtime, folder)),
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
    await test.step(`shows ${TOO_OLD} what it takes, which cannot import it`, async () => {
      const { err } = await run("npx", ["-y", TOO_OLD, "first.js"], {
        cwd: folder,
      });
      assertStringIncludes(err, "// from Deno 2.3, Node 24, Bun 1.3.12\n");
    });

    await test.step(`says so at the first call where it is bundled for ${TOO_OLD}`, async () => {
      await bundle("first.js", `${folder}/first.mjs`, "node22", folder);
      const { out } = await run("npx", ["-y", TOO_OLD, "first.mjs"], {
        cwd: folder,
      });
      assertEquals(out.split("\n"), [
        "imported",
        "TypeError: 'AsyncDisposableStack' must exist, as in Deno 2.3, Node 24 and Bun 1.3.12: current value is undefined",
        "",
      ]);
    });
  },
});

/** Every promise is a step, and the count at the end has all of them. */
async function checkLines(
  test: Deno.TestContext,
  { success, out, err }: Ended,
): Promise<void> {
  const lines = out.trimEnd().split("\n");
  const count = lines.pop();
  for (const line of lines) {
    const promise = line.slice("passed  ".length);
    await test.step(promise, () => assert(line.startsWith("passed"), line));
  }
  assert(success, err);
  assertEquals(count, `${lines.length} passed, 0 failed`);
}
