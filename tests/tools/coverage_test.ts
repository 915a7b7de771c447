import { assertEquals } from "@std/assert";
import { checkCoverage } from "../../tools/_coverage.ts";

/** The report of a file with 100 lines and 100 branches. */
const report = (path: string, lines: number, branches: number) =>
  `SF:/home/me/stream/${path}\nBRF:100\nBRH:${branches}\nLF:100\nLH:${lines}\nend_of_record\n`;

Deno.test("checkCoverage() returns a summary of one line when the coverage is sufficient", () => {
  const lcov = report("mod.ts", 100, 100) + report("src/a.ts", 94, 90);
  assertEquals(checkCoverage(lcov), {
    summary: "coverage of src: lines 97.0 %, branches 95.0 %",
    isEnough: true,
  });
});

Deno.test("checkCoverage() fails without coverage data", () => {
  assertEquals(checkCoverage("").isEnough, false);
});

Deno.test("checkCoverage() lists the files below the limit when the total is below it", () => {
  for (const [lines, branches] of [[93, 100], [100, 89]] as const) {
    const lcov = report("src/a/b.ts", 100, 100) +
      report("src/c.ts", lines, branches);
    const { summary, isEnough } = checkCoverage(lcov);
    assertEquals(isEnough, false);
    assertEquals(
      summary.split("\n").slice(1),
      [`  src/c.ts: lines ${lines}.0 %, branches ${branches}.0 %`],
    );
  }
});
