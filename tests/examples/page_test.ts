import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const PAGE = fileURLToPath(new URL("page.ts", import.meta.url));
const BROWSERS = ["chromium", "google-chrome"];

/** Where a browser is, if there is one. */
async function findBrowser(): Promise<string | undefined> {
  const isWindows = Deno.build.os === "windows";
  const folders = (Deno.env.get("PATH") ?? "").split(isWindows ? ";" : ":");
  for (const name of BROWSERS) {
    for (const folder of folders) {
      const path = `${folder}/${name}${isWindows ? ".exe" : ""}`;
      try {
        if ((await Deno.stat(path)).isFile) return path;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}

interface Line {
  readonly promise: string;
  readonly error?: string;
}

const browser = await findBrowser();
if (browser === undefined) {
  console.log(
    `Without a browser (${BROWSERS.join(" or ")}) the page is not tested.`,
  );
}

// In a process of its own: what a browser leaves behind ends with it.
Deno.test({
  name: "the page of examples/deploy in a browser",
  ignore: browser === undefined,
  fn: async (test) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PAGE, browser!],
    }).output();
    const text = new TextDecoder();
    const lines: Line[] = text.decode(stdout).split("\n").filter(Boolean)
      .map((line) => JSON.parse(line));
    for (const { promise, error } of lines) {
      await test.step(promise, () => assertEquals(error, undefined, error));
    }
    assert(code === 0 && lines.length > 0, text.decode(stderr));
  },
});
