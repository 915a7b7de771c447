// `deno task mutation [--seed N] [--count N] [--files PART,PART]`: how many
// mutants of `src` the tests kill, by folder, and which of them survive. It fails if
// too many do.

import { parseArgs } from "node:util";
import {
  drawValid,
  findMutants,
  type Result,
  runMutants,
} from "./run_mutants.ts";

/** The share of the mutants that the tests have to kill. */
const ENOUGH = 0.95;

/** The folder of a file within `src`, or the file itself. */
const folderOf = (file: string) => /^src\/[^/]+/.exec(file)![0];

const { values } = parseArgs({
  args: Deno.args,
  options: {
    count: { type: "string", default: "1500" },
    files: { type: "string", default: "src/" },
    seed: { type: "string", default: "1" },
  },
});

const all = await findMutants(values.files.split(","));
const { drawn, invalid } = await drawValid(
  all,
  Number(values.count),
  Number(values.seed),
);
console.log(
  `${drawn.length} of ${all.length} mutants, seed ${values.seed}; ` +
    `${invalid} others do not compile`,
);

const started = performance.now();
let done = 0;
const results = await runMutants(drawn, ({ mutant, verdict }) => {
  done++;
  if (verdict === "survived") console.log(describe(mutant));
  if (done % 100 === 0) {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(`${done} of ${drawn.length} in ${seconds} s`);
  }
});

console.log(`\n${table(results)}`);
const counted = results.filter(({ verdict }) => verdict !== "equivalent");
const survivors = counted.filter(({ verdict }) => verdict === "survived");
if (survivors.length > (1 - ENOUGH) * counted.length) Deno.exitCode = 1;

function describe(
  { file, lines, operator, from, to }: Result["mutant"],
): string {
  return `survived  ${file}:${lines[0]} ${operator}\n  - ${from}\n  + ${to}`;
}

function table(results: readonly Result[]): string {
  const groups = Map.groupBy(results, ({ mutant }) => folderOf(mutant.file));
  const rows = [...groups].sort(([a], [b]) => a < b ? -1 : 1);
  const lines = [...rows, ["all", results] as const].map(([name, group]) => {
    const count = (verdict: string) =>
      group.filter((result) => result.verdict === verdict).length;
    const killed = count("killed") + count("stuck");
    const counted = group.length - count("equivalent");
    const share = counted === 0
      ? "–"
      : `${(100 * killed / counted).toFixed(1)} %`;
    const cells = [group.length, count("equivalent"), killed, counted - killed];
    return `| ${[name, ...cells, share].join(" | ")} |`;
  });
  return [
    "| part | mutants | equivalent | killed | survived | share killed |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}
