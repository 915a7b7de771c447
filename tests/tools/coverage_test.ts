import { assertEquals } from "@std/assert";
import { judge } from "../../tools/_coverage.ts";

/** The report of a file with 100 lines and 100 branches. */
const report = (path: string, lines: number, branches: number) =>
  `SF:/home/me/stream/${path}\nBRF:100\nBRH:${branches}\nLF:100\nLH:${lines}\nend_of_record\n`;

Deno.test("judge() prints one line where the coverage is enough", () => {
  const lcov = report("mod.ts", 100, 100) + report("src/a.ts", 94, 90);
  assertEquals(judge(lcov), {
    summary: "coverage of src: lines 97.0 %, branches 95.0 %",
    isEnough: true,
  });
});

Deno.test("judge() fails without any coverage", () => {
  assertEquals(judge("").isEnough, false);
});

Deno.test("judge() names the files with too little coverage where the total is too little", () => {
  for (const [lines, branches] of [[93, 100], [100, 89]] as const) {
    const lcov = report("src/a/b.ts", 100, 100) +
      report("src/c.ts", lines, branches);
    const { summary, isEnough } = judge(lcov);
    assertEquals(isEnough, false);
    assertEquals(
      summary.split("\n").slice(1),
      [`  src/c.ts: lines ${lines}.0 %, branches ${branches}.0 %`],
    );
  }
});
