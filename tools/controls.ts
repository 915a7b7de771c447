/**
 * `deno task controls`: judges every negative control, and prints what notices
 * its fault first.
 *
 * @module
 */

import { calls } from "../tests/controls/_judge.ts";
import { verdicts } from "../tests/controls/_verdicts.ts";
import { stores } from "../tests/health/_judge.ts";

const WIDTH = 66;

/** A text in one line of the table. */
function cell(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line;
}

async function* all() {
  yield* verdicts(calls);
  yield* verdicts(stores);
}

let total = 0;
let problems = 0;
for await (const { name, finding, problem } of all()) {
  total++;
  if (problem !== undefined) problems++;
  const found = problem ? `!! ${problem}` : finding?.by ?? "nobody complains";
  console.log(`${cell(name).padEnd(WIDTH)}  ${cell(found)}`);
}
console.log(`\n${total - problems} as they should be, ${problems} not`);
Deno.exit(problems === 0 ? 0 : 1);
