/**
 * How much of `src` the tests run, and whether that is enough.
 *
 * @module
 */

/** In percent, of all files together. */
const ENOUGH = { lines: 97, branches: 95 };

/** How much of a file, or of all, was run. */
interface Count {
  readonly name: string;
  readonly lines: Part;
  readonly branches: Part;
}

interface Part {
  readonly found: number;
  readonly hit: number;
}

const percent = ({ found, hit }: Part) => found === 0 ? 100 : hit / found * 100;

const show = ({ name, lines, branches }: Count) =>
  `${name}: lines ${percent(lines).toFixed(1)} %, branches ${
    percent(branches).toFixed(1)
  } %`;

const isEnough = ({ lines, branches }: Count) =>
  percent(lines) >= ENOUGH.lines && percent(branches) >= ENOUGH.branches;

/** Reads the report of a file, in the format of lcov. */
function readCount(report: string): Count {
  const number = (key: string) =>
    Number(new RegExp(`^${key}:(\\d+)$`, "m").exec(report)?.[1] ?? 0);
  return {
    name: /^SF:.*?(src[\\/].*|mod\.ts)$/m.exec(report)![1]!,
    lines: { found: number("LF"), hit: number("LH") },
    branches: { found: number("BRF"), hit: number("BRH") },
  };
}

function sum(counts: readonly Count[], which: "lines" | "branches"): Part {
  let [found, hit] = [0, 0];
  for (const { [which]: part } of counts) {
    found += part.found;
    hit += part.hit;
  }
  return { found, hit };
}

/**
 * Checks a report in the format of lcov against the thresholds.
 *
 * @returns A line for all files and, where that is too little, one for each file
 * that has too little.
 */
export function checkReport(
  lcov: string,
): { summary: string; isEnough: boolean } {
  const counts = lcov.split("end_of_record\n").filter((report) => report.trim())
    .map(readCount);
  const all: Count = {
    name: "coverage of src",
    lines: sum(counts, "lines"),
    branches: sum(counts, "branches"),
  };
  if (counts.length > 0 && isEnough(all)) {
    return { summary: show(all), isEnough: true };
  }
  const few = counts.filter((count) => !isEnough(count)).map(show);
  const limit =
    `at least ${ENOUGH.lines} % and ${ENOUGH.branches} % it has to be`;
  return {
    summary: [`${show(all)}, and ${limit}`, ...few].join("\n  "),
    isEnough: false,
  };
}

/** Only `src` counts: no tests, no tools, no copies in other folders. */
const OURS = new URL("../", import.meta.url).href
  .replaceAll(/[.+*?^$(){}|[\]\\]/g, "\\$&");

/** The report of `deno coverage` for a folder. */
async function report(folder: string, format: string): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", format, `--include=^${OURS}(src/|mod\\.ts$)`, folder],
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  return text.decode(stdout);
}

/** Checks the coverage that `deno test --coverage` wrote to a folder. */
export async function coverageOf(
  folder: string,
): Promise<ReturnType<typeof checkReport>> {
  return checkReport(await report(folder, "--lcov"));
}

/** Every file, and each line of it that was not run. */
export function detailsOf(folder: string): Promise<string> {
  return report(folder, "--detailed");
}
