// The comparison with other libraries runs, and ours does what it should. A
// process of its own, for others may leave timers and promises behind.

import { assert, assertEquals } from "@std/assert";

interface Row {
  readonly name: string;
  readonly good?: string;
  /** What each way of using ours did. */
  readonly ours: readonly string[];
  /** A cell for each library. */
  readonly cells: readonly string[];
}

async function rows(): Promise<Row[]> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      new URL("../../bench/compare.ts", import.meta.url).href,
      "--quick",
      "--json",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const patience = setTimeout(() => process.kill("SIGKILL"), 120_000);
  const { success, signal, stdout } = await process.output();
  clearTimeout(patience);
  assertEquals({ success, signal }, { success: true, signal: null });
  return JSON.parse(new TextDecoder().decode(stdout)).seen;
}

Deno.test("in every situation that we compare ours does what it should, and everybody was run", async () => {
  const seen = await rows();
  assert(seen.length > 20);
  for (const { name, good, ours, cells } of seen) {
    assertEquals(cells.length, 5, name);
    assert(cells.every((cell) => cell !== ""), name);
    assert(ours.length > 0, name);
    if (good === undefined) continue;
    assertEquals([...new Set(ours)], [good], name);
  }
});
