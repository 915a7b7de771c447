// The comparison with other libraries runs, and ours does what it should. A
// process of its own, for others may leave timers and promises behind.

import { assert, assertEquals } from "@std/assert";
import { succeed } from "../_process.ts";

interface Row {
  readonly name: string;
  readonly good?: string;
  /** What each way of using ours did. */
  readonly ours: readonly string[];
  /** A cell for each library. */
  readonly cells: readonly string[];
}

async function rows(): Promise<Row[]> {
  const { out } = await succeed(Deno.execPath(), [
    "run",
    "-A",
    "--quiet",
    new URL("../../bench/compare.ts", import.meta.url).href,
    "--quick",
    "--json",
  ]);
  return JSON.parse(out).seen;
}

/** The README's rows, which such a run has written. */
async function printed(): Promise<string[][]> {
  const readme = await Deno.readTextFile(
    new URL("../../README.md", import.meta.url),
  );
  const [, table] = /^\| what happens +\|.*\n.*\n((?:\|.*\n)+)/m
    .exec(readme.split("<!-- compare:begin -->")[1]!)!;
  return table!.trimEnd().split("\n").map((line) =>
    line.slice(1, -1).split("|").map((cell) => cell.trim())
  );
}

Deno.test("in every situation that we compare ours does what it should, and everybody what the README says", async () => {
  const seen = await rows();
  assert(seen.length > 20);
  for (const { name, good, ours } of seen) {
    assert(ours.length > 0, name);
    if (good === undefined) continue;
    assertEquals([...new Set(ours)], [good], name);
  }
  assertEquals(
    seen.map(({ name, cells }) => [name, ...cells]),
    await printed(),
  );
});
