import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { findBrowser } from "../../_find_browser.ts";
import { runCommand } from "../../_run_command.ts";

const PAGE = fileURLToPath(new URL("_page.ts", import.meta.url));

interface Line {
  readonly name: string;
  readonly error?: string;
}

const browser = await findBrowser();

// The browser runs in a separate process, so that this one has no leaks from it.
Deno.test({
  name: "the page of examples/deploy in a browser",
  ignore: browser === undefined,
  fn: async (test) => {
    const args = ["run", "-A", PAGE, browser!];
    const { success, out, err } = await runCommand(Deno.execPath(), args);
    const lines: Line[] = out.split("\n").filter(Boolean)
      .map((line) => JSON.parse(line));
    for (const { name, error } of lines) {
      await test.step(name, () => assertEquals(error, undefined, error));
    }
    assert(success && lines.length > 0, err);
  },
});
