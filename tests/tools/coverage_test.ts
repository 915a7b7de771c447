import { assertEquals } from "@std/assert";
import { checkReport } from "../../tools/_coverage.ts";

/** The report of a file with 100 lines and 100 branches. */
const report = (path: string, lines: number, branches: number) =>
  `SF:/home/me/stream/${path}\nBRF:100\nBRH:${branches}\nLF:100\nLH:${lines}\nend_of_record\n`;

Deno.test("checkReport() prints one line where the coverage is enough", () => {
  const lcov = report("mod.ts", 100, 100) + report("src/a.ts", 94, 90);
  assertEquals(checkReport(lcov), {
    summary: "coverage of src: lines 97.0 %, branches 95.0 %",
    isEnough: true,
  });
});

Deno.test("checkReport() fails without any coverage", () => {
  assertEquals(checkReport("").isEnough, false);
});

Deno.test("checkReport() names the files with too little coverage where the total is too little", () => {
  for (const [lines, branches] of [[93, 100], [100, 89]] as const) {
    const lcov = report("src/a/b.ts", 100, 100) +
      report("src/c.ts", lines, branches);
    const { summary, isEnough } = checkReport(lcov);
    assertEquals(isEnough, false);
    assertEquals(
      summary.split("\n").slice(1),
      [`  src/c.ts: lines ${lines}.0 %, branches ${branches}.0 %`],
    );
  }
});
