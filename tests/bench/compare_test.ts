// Runs the comparison with other libraries, and checks the results of this library. It
// runs in a separate process, because other libraries may leave timers and promises.

import { assert, assertEquals } from "@std/assert";
import { runSuccessfully } from "../_run_command.ts";

interface Comparison {
  readonly seen: readonly {
    readonly name: string;
    readonly expected?: string;
    /** What each way of using this library did. */
    readonly ours: readonly string[];
  }[];
  /** The generated part of the page. */
  readonly situationsText: string;
}

async function compare(): Promise<Comparison> {
  const { out } = await runSuccessfully(Deno.execPath(), [
    "run",
    "-A",
    "--quiet",
    new URL("../../bench/compare.ts", import.meta.url).href,
    "--quick",
    "--json",
  ]);
  return JSON.parse(out);
}

/** Removes what `deno fmt` changes: line breaks and the width of columns. */
function unformatted(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ").replaceAll(/-{3,}/g, "---");
}

Deno.test("compare.ts observes the expected behavior of this library, and the table of docs/comparison.md", async () => {
  const { seen, situationsText } = await compare();
  assert(seen.length > 20);
  for (const { name, expected, ours } of seen) {
    assert(ours.length > 0, name);
    if (expected === undefined) continue;
    assertEquals([...new Set(ours)], [expected], name);
  }
  const page = await Deno.readTextFile(
    new URL("../../docs/comparison.md", import.meta.url),
  );
  const [, written] = /<!-- situations:begin -->(.*)<!-- situations:end -->/s
    .exec(page)!;
  assertEquals(unformatted(written!), unformatted(situationsText));
});
