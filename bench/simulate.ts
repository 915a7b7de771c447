// What each remedy brings, and what it costs: `deno task simulate`. The same
// calls meet the same providers, with one remedy more in every row of the first
// table, and with other times in every row of the second. Time is virtual, so
// that weeks take a minute. `--full` uses more calls and five seeds.

import { hedgeBudget } from "@fallback/stream";
import {
  commandOf,
  describe,
  LONGEST_MS,
  type Parameters,
  readParameters,
  UsageError,
} from "./_parameters.ts";
import { firstTimes } from "./_providers.ts";
import { showProgress } from "./_progress.ts";
import { quantile, summarize, type Summary } from "./_measure.ts";
import { type CallResult, run, type Strategy } from "./_run.ts";
import { makeScenarios, optionsOf } from "./_scenarios.ts";
import { targetRows } from "./_targets.ts";
import { table } from "./_table.ts";

/** The rows of the table: each adds a remedy to what those above it have. */
function makeStrategies(
  parameters: Parameters,
  afterMs: number,
): readonly Strategy[] {
  const { firstContentMs, idleMs, retryAttempts, retryDelayMs } = parameters;
  const { hedgeQuantile, hedgeBudget: ratio, hedgeBurst: burst } = parameters;
  const models = parameters.medianMs.length;
  const timeouts = { firstContentMs, idleMs };
  const retry = { maxAttempts: retryAttempts, minDelayMs: retryDelayMs };
  const budget = hedgeBudget({ ratio, burst });
  return [
    { name: "one model", models: 1, optionsOf: () => ({}) },
    { name: "fallback", models, optionsOf: () => ({}) },
    { name: "+ timeouts", models, optionsOf: () => ({ timeouts }) },
    { name: "+ retry", models, optionsOf: () => ({ timeouts, retry }) },
    {
      name: `+ hedging at p${hundredfold(hedgeQuantile)}`,
      models,
      optionsOf: () => ({ timeouts, retry, hedge: { afterMs } }),
    },
    {
      name: `+ a budget of ${hundredfold(ratio)} %`,
      models,
      optionsOf: () => ({ timeouts, retry, hedge: { afterMs, budget } }),
    },
  ];
}

/** As few digits as it needs: 0.07 times 100 is not quite 7. */
function hundredfold(part: number): number {
  return +(part * 100).toFixed(3);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`;
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? "–" : `${Math.round(ms).toLocaleString("en")} ms`;
}

const args = Deno.args.filter((arg) => arg !== "--full");
const isFull = args.length < Deno.args.length;
let parameters: Parameters;
try {
  parameters = readParameters(
    isFull ? ["--calls", "100000", ...args] : args,
  );
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  Deno.exit(2);
}
const { calls, hedgeQuantile } = parameters;
console.log(table(describe(parameters)));
console.log(
  `\n\`${commandOf(parameters)}${isFull ? " --full" : ""}\`\n`,
);

const first = firstTimes(parameters).sort();
const afterMs = Math.min(
  Math.round(quantile(first, hedgeQuantile)!),
  LONGEST_MS,
);
const rows = [
  ["strategy", "availability", "p50", "p99", "p99.9", "extra opens"],
];
for (const strategy of makeStrategies(parameters, afterMs)) {
  const summary = summarize(await resultsOf(parameters, strategy));
  rows.push([strategy.name, ...cellsOf(summary)]);
}
console.log(table(rows));
console.log(`\nHedges are opened after ${milliseconds(afterMs)}.`);

const seeds = Array.from(
  { length: isFull ? 5 : 2 },
  (_, index) => (parameters.seed + index) % 2 ** 32,
);
const summaries = new Map<string, Summary>();
const scenarioRows = [[
  "scenario",
  "calls",
  "times",
  "availability",
  "p50",
  "p99",
  "p99.9",
  "extra opens",
  "wrong",
  "hedge after",
]];
for (const scenario of makeScenarios(isFull ? 5 : 1, calls)) {
  const { windows, conditionAt } = scenario;
  const ofRows = [];
  for (const row of scenario.rows) {
    const results: CallResult[][] = [];
    for (const seed of seeds) {
      results.push([
        ...await resultsOf({ ...scenario.parameters, seed }, {
          name: `${windows[0]!.name}, ${row.name}`,
          models: scenario.parameters.medianMs.length,
          optionsOf: optionsOf(scenario, row),
          ...(conditionAt && { conditionAt }),
        }),
      ]);
    }
    ofRows.push({ row, results: results.flat() });
  }
  for (const { name, includes } of windows) {
    for (const { row, results } of ofRows) {
      const counted = results.filter(({ call, atMs }) => includes(call, atMs));
      if (counted.length === 0) continue;
      const summary = summarize(counted);
      summaries.set(`${name}|${row.name}`, summary);
      scenarioRows.push([
        name,
        `${summary.calls}`,
        row.name,
        ...cellsOf(summary),
        `${(summary.wrong * 100).toFixed(3)} %`,
        milliseconds(summary.hedgeMs),
      ]);
    }
  }
}
console.log(`\nSeeds ${seeds.join(", ")}; the same luck in every row.\n`);
console.log(table(scenarioRows));
console.log();
console.log(table([
  ["target for learned times", "what", "measured", "limit", "result"],
  ...targetRows((window, row) => summaries.get(`${window}|${row}`)),
]));

/** Runs one strategy, and reports what it left behind. */
async function resultsOf(
  parameters: Parameters,
  strategy: Strategy,
): Promise<readonly CallResult[]> {
  const { results, left } = await run(
    parameters,
    strategy,
    (part) => showProgress(`${strategy.name}: ${Math.floor(part * 100)} %`),
  );
  showProgress("");
  for (const what of left) {
    console.error(`${strategy.name}: left behind: ${what}`);
    Deno.exitCode = 1;
  }
  return results;
}

function cellsOf({ availability, p50, p99, p999, extra }: Summary): string[] {
  return [
    percent(availability),
    ...[p50, p99, p999].map(milliseconds),
    percent(extra),
  ];
}
