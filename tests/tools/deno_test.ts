import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runCommand } from "../_run_command.ts";

const TOOL = fileURLToPath(new URL("../../tools/deno.ts", import.meta.url));

/** Runs the tool where the registry is given, so that nothing is probed. */
const tool = (...args: string[]) =>
  runCommand(Deno.execPath(), ["run", "-A", TOOL, ...args], {
    env: { JSR_URL: "file:///made-up/" },
  });

Deno.test("tools/deno.ts passes arguments on, and returns output and exit code", async () => {
  const { code, out } = await tool("eval", "console.log('out'); Deno.exit(42)");
  assertEquals({ code, out }, { code: 42, out: "out\n" });
});

Deno.test("tools/deno.ts uses JSR_URL if it is set, and prints that", async () => {
  const { out, err } = await tool(
    "eval",
    "console.log(Deno.env.get('JSR_URL'))",
  );
  assertEquals(out, "file:///made-up/\n");
  assertEquals(err, "std from JSR_URL, file:///made-up/\n");
});
