/**
 * `deno task cost`: fails where a row of `bench/rows.ts` misses its target by more
 * than 25 %. Each row has a process of its own, so that no row heats up the code of
 * another, and a second try, because other programs may use the machine.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type RatioRow, type Row, ROWS } from "../bench/rows.ts";

/** By how much a target may be missed. */
const MARGIN = 1.25;
const PAIRS = 15;
const WARM_UPS = 3;
const TRIES = 2;

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

/** Milliseconds of one run. */
async function timeOf(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

async function ratioOf({ ours, reference }: RatioRow): Promise<number> {
  const ratios: number[] = [];
  for (let pair = 0; pair < WARM_UPS + PAIRS; pair++) {
    const referenceTime = await timeOf(reference);
    const ratio = await timeOf(ours) / referenceTime;
    if (pair >= WARM_UPS) ratios.push(ratio);
  }
  return median(ratios);
}

/** Measures a row in this process, and prints the figure. */
async function measure(row: Row): Promise<void> {
  const figure = "unit" in row ? await row.measure() : await ratioOf(row);
  console.log(figure);
}

/** Measures a row in a process of its own. */
async function measureApart(index: number): Promise<number> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-check",
      "--v8-flags=--expose-gc",
      fileURLToPath(import.meta.url),
      String(index),
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure '${ROWS[index]!.name}'`);
  return Number(new TextDecoder().decode(stdout));
}

async function isWithinTarget(row: Row, index: number): Promise<boolean> {
  const { name, target } = row;
  const unit = "unit" in row ? row.unit : "×";
  const digits = "unit" in row ? 0 : 2;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const figure = await measureApart(index);
    const passed = figure <= target * MARGIN;
    const shown = `${figure.toFixed(digits)} ${unit}, target ${target}`;
    console.log(`${passed ? "passed" : "failed"}  ${name}: ${shown}`);
    if (passed) return true;
  }
  return false;
}

const [index] = Deno.args;
if (index === undefined) {
  let passed = 0;
  for (const [index, row] of ROWS.entries()) {
    if (await isWithinTarget(row, index)) passed++;
  }
  const failed = ROWS.length - passed;
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
} else {
  await measure(ROWS[Number(index)]!);
  Deno.exit(0); // open streams have timers that would keep the process alive
}
