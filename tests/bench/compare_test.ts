// The comparison with other libraries runs, and this library does what it should.
// It runs in a process of its own: others may leave timers and promises behind.

import { assert, assertEquals } from "@std/assert";
import { runOrThrow } from "../_run_command.ts";

interface Comparison {
  readonly seen: readonly {
    readonly name: string;
    readonly good?: string;
    /** What each way of using this library did. */
    readonly ours: readonly string[];
  }[];
  /** The generated part of the page. */
  readonly situationsText: string;
}

async function compare(): Promise<Comparison> {
  const { out } = await runOrThrow(Deno.execPath(), [
    "run",
    "-A",
    "--quiet",
    new URL("../../bench/compare.ts", import.meta.url).href,
    "--quick",
    "--json",
  ]);
  return JSON.parse(out);
}

/** A text without what `deno fmt` changes: line ends and the width of columns. */
function unformatted(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ").replaceAll(/-{3,}/g, "---");
}

Deno.test("compare.ts sees in every situation what this library should do, and what docs/comparison.md says of all", async () => {
  const { seen, situationsText } = await compare();
  assert(seen.length > 20);
  for (const { name, good, ours } of seen) {
    assert(ours.length > 0, name);
    if (good === undefined) continue;
    assertEquals([...new Set(ours)], [good], name);
  }
  const page = await Deno.readTextFile(
    new URL("../../docs/comparison.md", import.meta.url),
  );
  const [, written] = /<!-- situations:begin -->(.*)<!-- situations:end -->/s
    .exec(page)!;
  assertEquals(unformatted(written!), unformatted(situationsText));
});
