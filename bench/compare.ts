// Ours beside the libraries that do the same: `deno task compare`. The same
// faults through every library's own interface, and what was seen; the same
// sources, and what that costs. It writes the tables into the README, and draws
// `docs/compare.svg`.

import { showProgress } from "./_progress.ts";
import { chart } from "./compare/_chart.ts";
import { aiFallback } from "./compare/_ai_fallback.ts";
import { aiRetry } from "./compare/_ai_retry.ts";
import { effect } from "./compare/_effect.ts";
import {
  FULL,
  importing,
  Meters,
  QUICK,
  type Row,
  size,
} from "./compare/_figures.ts";
import { langchain } from "./compare/_langchain.ts";
import type { Library, Way } from "./compare/_library.ts";
import { ours } from "./compare/_ours.ts";
import { play, type Situation, situations } from "./compare/_situations.ts";
import {
  cellOf,
  figuresTable,
  type Seen,
  situationsTable,
} from "./compare/_table.ts";

const BEGIN = "<!-- compare:begin -->";
const END = "<!-- compare:end -->";
const ROOT = new URL("../", import.meta.url);

const libraries: readonly Library[] = [
  ours,
  aiFallback,
  aiRetry,
  langchain,
  effect,
];

/** What the command line says. */
interface Flags {
  /** Little figures, and nothing written: for a test. */
  readonly quick: boolean;
  /** Prints what was seen as JSON, in place of tables. */
  readonly json: boolean;
  readonly readme: string | URL;
  readonly svg: string | URL;
}

function readFlags(args: readonly string[]): Flags {
  const values = new Map(args.map((arg) => {
    const [name, value] = arg.split("=", 2);
    return [name!, value];
  }));
  for (const name of values.keys()) {
    if (["--quick", "--json", "--readme", "--svg"].includes(name)) continue;
    console.error(
      `"${name}" is not a flag: there are --quick, --json, --readme=PATH, --svg=PATH`,
    );
    Deno.exit(2);
  }
  return {
    quick: values.has("--quick"),
    json: values.has("--json"),
    readme: values.get("--readme") ?? new URL("README.md", ROOT),
    svg: values.get("--svg") ?? new URL("docs/compare.svg", ROOT),
  };
}

/** Plays every situation, for every way of using every library. */
async function seeAll(): Promise<Map<Situation, Seen>> {
  const results = new Map<Situation, Seen>();
  for (const situation of situations) {
    showProgress(situation.name);
    const seen = new Map<Way, string>();
    for (const way of libraries.flatMap(({ ways }) => ways)) {
      const words = await play(situation, way);
      if (words !== undefined) seen.set(way, words);
    }
    results.set(situation, seen);
  }
  return results;
}

/** The figures, of which the chart shows some. */
interface Costs {
  readonly rows: readonly Row[];
  /** The chart; not of little figures. */
  readonly svg?: string;
}

async function measureAll(quick: boolean): Promise<Costs> {
  const effort = quick ? QUICK : FULL;
  await using meters = new Meters(libraries);
  const { ways } = meters;
  const measured = <T>(what: string, row: Promise<T>) => {
    showProgress(what);
    return row;
  };
  const generator = await measured(
    "chunks of a generator",
    meters.chunk("generator", effort),
  );
  const readable = await measured(
    "chunks of a ReadableStream",
    meters.chunk("readable", effort),
  );
  const calls: Row[] = [];
  const kinds = quick ? [[2, 1]] : [
    [2, 1],
    [8, 1],
    [32, 1],
    [2, 100],
    [2, 10_000],
  ];
  for (const [models, atOnce] of kinds) {
    const what = `calls, ${models} models, ${atOnce} at once`;
    // The first makes the code hot, which takes more than 100,000 calls.
    const warmUpMs = effort.warmUpMs * (calls.length ? 1 : 4);
    calls.push(
      await measured(
        what,
        meters.call(models!, atOnce!, { ...effort, warmUpMs }),
      ),
    );
  }
  const rows = [generator, readable, ...calls];
  if (quick) return { rows };
  const bundled = await measured("bundles", size(ways));
  const imported = await measured("imports", importing(ways, effort));
  const svg = chart("What a fall-back costs", ways, [
    { title: "A chunk of a ReadableStream, over reading it", row: readable },
    { title: "A call whose first model refuses", row: calls[0]! },
    { title: "Bundled, minified and gzipped", row: bundled },
    { title: "To import it in a new process", row: imported },
  ]);
  return { rows: [...rows, bundled, imported], svg };
}

/** The part of the README that is made here. */
function report(
  results: ReadonlyMap<Situation, Seen>,
  rows: readonly Row[],
): string {
  const versions = libraries.map(({ name, version }) => `${name} ${version}`);
  return `
Every cell is what a run has seen, not what a documentation says:

\`\`\`sh
deno task compare   # all of it again, in about three minutes
\`\`\`

${
    versions.join(", ")
  }. A and B are models, \`A0\` is the first text of A, \`Am\`
its metadata; ✓ is as it should be, and – is what a library has no means for.
Where two ways of using a library differ there is a slash between them: ours as
\`fallbackStream\` and as \`fallbackLanguageModel\`; ai-fallback by default and
with \`retryAfterOutput: false\`; ai-retry under the AI SDK,
\`createRetryableModel\`, and around it, \`retryableStreamText\`, which is
experimental; Effect by default and with \`preventFallbackOnPartialStream\`.
Each library was given whatever it has for a situation: clocks, retries,
conditions, a memory. Without being told, none has clocks, and neither have we.

${situationsTable(libraries, results)}

A memory that one failure fills asks a dead model less often, and leaves a
healthy one for a single hiccup: the last two rows are the same trade, seen from
both sides.

![What a fall-back costs](docs/compare.svg)

${figuresTable(libraries, rows)}

Each library runs in a process of its own and they take turns, over the same
sources; a multiple in brackets is that of ours. For a call these are
\`ReadableStream\`s, of which making one is a good part of the time. LangChain
has bare runnables here, for its chat models cost more, and what keeps the state
of a call in the model is made anew for each. What is bundled is the one function
that is used, without the AI SDK but for what a library imports of it.

What we do not do at all: ai-retry also wraps models for embeddings and images,
LangChain any runnable, Effect any effect.
`;
}

/** Puts a text between the marks of the README, if it has them. */
async function writeReadme(path: string | URL, text: string): Promise<void> {
  const readme = await Deno.readTextFile(path);
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) {
    console.error(`Nothing written: ${path} has no ${BEGIN} and ${END}.`);
    return;
  }
  const whole = `${before}${BEGIN}\n${text}\n${END}${after}`;
  await Deno.writeTextFile(path, await format(whole, "md"));
}

/** As `deno fmt` would leave it. */
async function format(text: string, extension: string): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", `--ext=${extension}`, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(text));
  await input.close();
  const { success, stdout } = await process.output();
  if (!success) throw new Error(`deno fmt refuses this ${extension}`);
  return new TextDecoder().decode(stdout);
}

const flags = readFlags(Deno.args);
const results = await seeAll();
const { rows, svg } = await measureAll(flags.quick);
showProgress("");
if (flags.json) {
  const seen = [...results].map(([situation, seen]) => ({
    name: situation.name,
    good: situation.good,
    ours: ours.ways.flatMap((way) => seen.get(way) ?? []),
    cells: libraries.map((library) => cellOf(library, situation, seen)),
  }));
  console.log(JSON.stringify({ seen, figures: figuresTable(libraries, rows) }));
} else {
  console.log(situationsTable(libraries, results));
  console.log(`\n${figuresTable(libraries, rows)}`);
}
if (svg !== undefined) {
  await writeReadme(flags.readme, report(results, rows));
  await Deno.writeTextFile(flags.svg, await format(svg, "svg"));
}
Deno.exit(); // whatever a library has left running
