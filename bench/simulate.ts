// What each remedy brings, and what it costs: `deno task simulate`. The same
// calls meet the same providers, with one remedy more in every row. Time is
// virtual, so that weeks take a minute.

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
import { run, type Strategy } from "./_run.ts";
import { table } from "./_table.ts";

/** What `part` of the sorted numbers do not exceed. */
function quantile(sorted: Float64Array, part: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
}

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
    { name: "one model", models: 1, options: {} },
    { name: "fall-back", models, options: {} },
    { name: "+ clocks", models, options: { timeouts } },
    { name: "+ retry", models, options: { timeouts, retry } },
    {
      name: `+ hedging at p${hundredfold(hedgeQuantile)}`,
      models,
      options: { timeouts, retry, hedge: { afterMs } },
    },
    {
      name: `+ a budget of ${hundredfold(ratio)} %`,
      models,
      options: { timeouts, retry, hedge: { afterMs, budget } },
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
  return ms === undefined ? "–" : `${ms.toLocaleString("en")} ms`;
}

let parameters: Parameters;
try {
  parameters = readParameters(Deno.args);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  Deno.exit(2);
}
const { calls, hedgeQuantile } = parameters;
console.log(table(describe(parameters)));
console.log(`\n\`${commandOf(parameters)}\`\n`);

const first = firstTimes(parameters).sort();
const afterMs = Math.min(
  Math.round(quantile(first, hedgeQuantile)!),
  LONGEST_MS,
);
const rows = [
  ["strategy", "availability", "p50", "p99", "p99.9", "extra opens"],
];
for (const strategy of makeStrategies(parameters, afterMs)) {
  const { times, asked, left } = await run(
    parameters,
    strategy,
    (part) => showProgress(`${strategy.name}: ${Math.floor(part * 100)} %`),
  );
  showProgress("");
  for (const what of left) {
    console.error(`${strategy.name}: left behind: ${what}`);
    Deno.exitCode = 1;
  }
  rows.push([
    strategy.name,
    percent(times.length / calls),
    ...[0.5, 0.99, 0.999].map((part) => milliseconds(quantile(times, part))),
    percent(asked / calls - 1),
  ]);
}
console.log(table(rows));
console.log(`\nHedges are opened after ${milliseconds(afterMs)}.`);
