// Which test files run a line of the source, and are likely to kill a mutant of it.

import { readFiles } from "../../tools/_files.ts";

/** What a test file runs, and how long it takes. */
export interface MeasuredTest {
  /** Its path from the root of the project. */
  readonly path: string;
  /** How long it takes, in milliseconds. */
  readonly durationMs: number;
  /** The longest time without a line of output, in milliseconds. */
  readonly longestPauseMs: number;
  /** `file:line` of each line of `src` that it runs. */
  readonly lines: ReadonlySet<string>;
}

/** The test files below some files and folders of a project. */
export async function findTests(
  project: string,
  paths: readonly string[],
): Promise<string[]> {
  const found = await Promise.all(paths.map(async (path) => {
    if (path.endsWith(".ts")) return [path];
    const folder = new URL(`file://${project}/${path}/`);
    const names = [...(await readFiles(folder, "_test.ts")).keys()];
    return names.map((name) => `${path}/${name}`);
  }));
  return found.flat();
}

/**
 * The lines of `src` that were run, from a report in the format of lcov.
 *
 * @param project The folder of the project, without a slash at its end.
 */
export function linesOf(lcov: string, project: string): Set<string> {
  const lines = new Set<string>();
  let file = "";
  for (const line of lcov.split("\n")) {
    if (line.startsWith("SF:")) file = line.slice(`SF:${project}/`.length);
    const [, number, count] = /^DA:(\d+),(\d+)$/.exec(line) ?? [];
    if (count !== undefined && count !== "0") lines.add(`${file}:${number}`);
  }
  return lines;
}

/**
 * The tests that run one of some lines, and the others, the quickest first. The others
 * may run them, too: in a child process, or where only a part of a line runs, which
 * counts as a line that does not.
 */
export function testsOf(
  tests: readonly MeasuredTest[],
  file: string,
  [first, last]: readonly [number, number],
): { covering: readonly MeasuredTest[]; others: readonly MeasuredTest[] } {
  const lines = Array.from(
    { length: last - first + 1 },
    (_, index) => `${file}:${first + index}`,
  );
  const { covering = [], others = [] } = Object.groupBy(
    tests.toSorted((a, b) => a.durationMs - b.durationMs),
    (test) =>
      lines.some((line) => test.lines.has(line)) ? "covering" : "others",
  );
  return { covering, others };
}
