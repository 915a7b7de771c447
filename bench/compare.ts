// Compares this library with similar ones: `deno task compare`. Each library
// meets the same faults through its own interface, and reads the same sources so
// that its costs can be measured. The tables are written into `docs/comparison.md`, the
// chart into `docs/compare.svg`.

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
import { run, type Situation, situations } from "./compare/_situations.ts";
import { figuresTable, type Seen, situationsReport } from "./compare/_table.ts";

const ROOT = new URL("../", import.meta.url);

const libraries: readonly Library[] = [
  ours,
  aiFallback,
  aiRetry,
  langchain,
  effect,
];

/** The flags of the command line. */
interface Flags {
  /** Few repetitions, and nothing written: for a test. */
  readonly quick: boolean;
  /** Prints the results as JSON instead of tables. */
  readonly json: boolean;
  readonly page: string | URL;
  readonly svg: string | URL;
}

function readFlags(args: readonly string[]): Flags {
  const values = new Map(args.map((arg) => {
    const [name, value] = arg.split("=", 2);
    return [name!, value];
  }));
  for (const name of values.keys()) {
    if (["--quick", "--json", "--page", "--svg"].includes(name)) continue;
    console.error(
      `"${name}" is not a flag: there are --quick, --json, --page=PATH, --svg=PATH`,
    );
    Deno.exit(2);
  }
  return {
    quick: values.has("--quick"),
    json: values.has("--json"),
    page: values.get("--page") ?? new URL("docs/comparison.md", ROOT),
    svg: values.get("--svg") ?? new URL("docs/compare.svg", ROOT),
  };
}

/** Runs every situation, for every way of using every library. */
async function runAll(): Promise<Map<Situation, Seen>> {
  const results = new Map<Situation, Seen>();
  for (const situation of situations) {
    showProgress(situation.name);
    const seen = new Map<Way, string>();
    for (const way of libraries.flatMap(({ ways }) => ways)) {
      const text = await run(situation, way);
      if (text !== undefined) seen.set(way, text);
    }
    results.set(situation, seen);
  }
  return results;
}

/** The measured costs. */
interface Costs {
  readonly rows: readonly Row[];
  /** The chart, unless `quick`. */
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
    // The first also warms up the compiler, which takes over 100,000 calls.
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
  const svg = chart("What a fallback costs", ways, [
    { title: "A chunk of a ReadableStream, over reading it", row: readable },
    { title: "A call whose first model refuses", row: calls[0]! },
    { title: "Bundled, minified and gzipped", row: bundled },
    { title: "To import it in a new process", row: imported },
  ]);
  return { rows: [...rows, bundled, imported], svg };
}

/** The first generated part: the results of the situations. */
function situationsPart(results: ReadonlyMap<Situation, Seen>): string {
  const versions = libraries.map(({ name, version }) => `${name} ${version}`);
  return `Versions: ${versions.join(", ")}.\n\n${
    situationsReport(libraries, results)
  }`;
}

/** Puts texts between the marks of the page: `<!-- name:begin -->` and end. */
async function writePage(
  path: string | URL,
  parts: Readonly<Record<string, string>>,
): Promise<void> {
  let page = await Deno.readTextFile(path);
  for (const [name, text] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
    const [before, rest] = page.split(begin);
    const after = rest?.split(end)[1];
    if (after === undefined) {
      console.error(`Nothing written: ${path} has no ${begin} and ${end}.`);
      return;
    }
    page = `${before}${begin}\n\n${text}\n\n${end}${after}`;
  }
  await Deno.writeTextFile(path, await format(page, "md"));
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
const results = await runAll();
const { rows, svg } = await measureAll(flags.quick);
showProgress("");
const situationsText = situationsPart(results);
const figuresText = figuresTable(libraries, rows);
if (flags.json) {
  const seen = [...results].map(([situation, seen]) => ({
    name: situation.name,
    expected: situation.expected,
    ours: ours.ways.flatMap((way) => seen.get(way) ?? []),
  }));
  console.log(JSON.stringify({ seen, situationsText, figuresText }));
} else {
  console.log(`${situationsText}\n\n${figuresText}`);
}
if (svg !== undefined) {
  await writePage(flags.page, {
    situations: situationsText,
    figures: figuresText,
  });
  await Deno.writeTextFile(flags.svg, await format(svg, "svg"));
}
Deno.exit(); // even if a library left something running
