/**
 * What the library costs, one row at a time. A ratio is that of two measurements
 * that take turns, because absolute times depend on the machine. Each row has a
 * process of its own, so that no row warms up the code of another.
 *
 * `deno task bench` prints all rows with their targets. `deno task cost` measures
 * only the cheap rows, and fails where one misses its target by more than 25 % in
 * two tries, because other programs may use the machine.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { median } from "./_median.ts";
import type { RatioRow, Row } from "./rows/_row.ts";
import { ENGINE_ROWS } from "./rows/engine.ts";
import { GROWTH_ROWS } from "./rows/growth.ts";
import { HEALTH_ROWS } from "./rows/health.ts";
import { OPENAI_ROWS } from "./rows/openai.ts";

/** By how much `deno task cost` lets a target be missed. */
const MARGIN = 1.25;
const TRIES = 2;
const PAIRS = 15;
const WARM_UPS = 3;

const ROWS: readonly Row[] = [
  ...ENGINE_ROWS,
  ...OPENAI_ROWS,
  ...HEALTH_ROWS,
  ...GROWTH_ROWS,
];

/** Milliseconds of one run. */
async function timeOf(run: () => Promise<unknown>): Promise<number> {
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
async function measureApart(row: Row): Promise<number> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-check",
      "--v8-flags=--expose-gc",
      fileURLToPath(import.meta.url),
      `--row=${ROWS.indexOf(row)}`,
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure '${row.name}'`);
  return Number(new TextDecoder().decode(stdout));
}

/** A row's figure and target. */
function describe(row: Row, figure: number): string {
  const unit = "unit" in row ? row.unit : "×";
  const shown = figure.toFixed(unit === "bytes" ? 0 : 2);
  return `${row.name}: ${shown} ${unit}, target ${row.target}`;
}

async function isWithinTarget(row: Row): Promise<boolean> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const figure = await measureApart(row);
    const passed = figure <= row.target * MARGIN;
    console.log(`${passed ? "passed" : "failed"}  ${describe(row, figure)}`);
    if (passed) return true;
  }
  return false;
}

const [flag] = Deno.args;
if (flag?.startsWith("--row=")) {
  await measure(ROWS[Number(flag.slice("--row=".length))]!);
} else if (flag === "--gate") {
  let passed = 0;
  for (const row of ENGINE_ROWS) if (await isWithinTarget(row)) passed++;
  const failed = ENGINE_ROWS.length - passed;
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) Deno.exit(1);
} else {
  for (const row of ROWS) console.log(describe(row, await measureApart(row)));
}
Deno.exit(); // open streams have timers that would keep the process alive
