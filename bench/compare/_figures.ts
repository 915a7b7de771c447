// Costs: the same sources through every library, each in a process of its own,
// in turns. Times depend on the machine, but ratios of one run can be compared.

import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../../tests/_child_process.ts";
import { runSuccessfully } from "../../tests/_run_command.ts";
import { bundledSize } from "../../tools/_bundled_size.ts";
import { median } from "../_median.ts";
import type { Library, Way } from "./_library.ts";
import type { Job } from "./_meter.ts";

/** One row of the table. */
export interface Row {
  readonly name: string;
  /** Printed after the number, with the space before it. */
  readonly unit: string;
  readonly digits: number;
  /** A number for each way of using a library that supports it. */
  readonly figures: ReadonlyMap<Way, number>;
  /** Whether a figure is also shown as a multiple of the first. */
  readonly relative?: true;
}

/** How much is measured. */
export interface Effort {
  readonly warmUpMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}

export const FULL: Effort = { warmUpMs: 800, roundMs: 80, rounds: 9 };
export const QUICK: Effort = { warmUpMs: 1, roundMs: 1, rounds: 1 };

/** If a batch takes longer, one round is enough. */
const LONG_MS = 3000;

/** Repeats a piece of work. Resolves to the milliseconds that it took. */
type Work = (times: number) => Promise<number>;

/** The cost of one repetition, also as a multiple of the first work. */
interface Cost {
  readonly ms: number;
  readonly ratio: number;
}

/** Medians of rounds in which all works take turns. */
async function inTurns<Key>(
  works: ReadonlyMap<Key, Work>,
  least: number,
  { warmUpMs, roundMs, rounds }: Effort,
): Promise<Map<Key, Cost>> {
  const plans: { work: Work; times: number; costs: number[] }[] = [];
  for (const work of works.values()) {
    let times = least;
    let took = await work(times);
    for (let elapsedMs = took; elapsedMs < warmUpMs; elapsedMs += took) {
      if (took < warmUpMs / 4) times *= 2;
      took = await work(times);
    }
    const batches = Math.max(1, Math.round(roundMs * times / took / least));
    // Where a batch takes long, the first has warmed itself up.
    const costs = took > LONG_MS ? [took / times] : [];
    plans.push({ work, times: batches * least, costs });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { work, times, costs } of plans) {
      if (costs[0]! * times > LONG_MS) continue;
      costs.push(await work(times) / times);
    }
  }
  const base = plans[0]!.costs;
  return new Map([...works.keys()].map((key, i) => {
    const { costs } = plans[i]!;
    const ratios = costs.map((ms, round) => ms / base[round]!);
    return [key, { ms: median(costs), ratio: median(ratios) }];
  }));
}

/** Processes that run jobs: one for each way, and one that only reads sources. */
export class Meters implements AsyncDisposable {
  readonly ways: readonly Way[];
  readonly #meters = new Map<Way | undefined, Child>();

  constructor(libraries: readonly Library[]) {
    this.ways = firstWays(libraries);
    this.#meters.set(undefined, startMeter([]));
    for (const { module, ways } of libraries) {
      for (const way of ways) {
        if (!this.ways.includes(way)) continue;
        this.#meters.set(way, startMeter([module, way.name]));
      }
    }
  }

  /** A chunk of a long answer, as a multiple of reading its source directly. */
  async chunk(kind: "generator" | "readable", effort: Effort): Promise<Row> {
    const able = this.ways.filter(({ readableOnly }) =>
      kind === "readable" || !readableOnly
    );
    const costs = await inTurns(
      this.#works([undefined, ...able], { what: "chunk", kind }),
      effort === QUICK ? 100 : 5000,
      effort,
    );
    const raw = costs.get(undefined)!.ms * 1e6;
    const source = kind === "readable"
      ? "a `ReadableStream`"
      : "an async generator";
    return {
      name: `a chunk of ${source}, over reading it directly (${
        raw.toFixed(0)
      } ns)`,
      unit: " ×",
      digits: 1,
      figures: new Map(able.map((way) => [way, costs.get(way)!.ratio])),
    };
  }

  /** A call in which all models refuse but the last. */
  async call(models: number, atOnce: number, effort: Effort): Promise<Row> {
    const costs = await inTurns(
      this.#works(this.ways, { what: "call", models, atOnce }),
      atOnce,
      effort,
    );
    return {
      name: atOnce === 1
        ? `a call, ${models} models of which the last answers`
        : `the same with 2 models, ${
          atOnce.toLocaleString("en")
        } calls at once`,
      unit: " µs",
      digits: 1,
      figures: new Map(
        this.ways.map((way) => [way, costs.get(way)!.ms * 1000]),
      ),
      relative: true,
    };
  }

  #works<Key extends Way | undefined>(
    keys: readonly Key[],
    job:
      | { what: "chunk"; kind: "generator" | "readable" }
      | { what: "call"; models: number; atOnce: number },
  ): Map<Key, Work> {
    return new Map(keys.map((key) => {
      const meter = this.#meters.get(key)!;
      return [key, async (times: number) => {
        const all: Job = { ...job, times };
        const took = await meter.send(`measure ${JSON.stringify(all)}`);
        return took as number;
      }];
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const meters = [...this.#meters.values()];
    await Promise.all(meters.map((meter) => meter[Symbol.asyncDispose]()));
  }
}

const startMeter = (settings: readonly string[]) =>
  startChild(new URL("_meter.ts", import.meta.url), settings, {
    flags: ["-A"],
    timeoutMs: 120_000,
  });

/** The ways whose costs differ: one for each entry. */
function firstWays(libraries: readonly Library[]): Way[] {
  const entries = new Set<string>();
  return libraries.flatMap(({ ways }) => ways).filter(({ entry }) =>
    !entries.has(entry) && entries.add(entry)
  );
}

const ENTRIES = new URL("entries/", import.meta.url);

async function deno(...args: string[]): Promise<void> {
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  await runSuccessfully(Deno.execPath(), args, { cwd });
}

/** The size of the smallest module that imports it, bundled. */
export async function size(ways: readonly Way[]): Promise<Row> {
  const figures = new Map<Way, number>();
  for (const way of ways) {
    const bytes = await bundledSize(new URL(way.entry, ENTRIES).href);
    figures.set(way, bytes / 1024);
  }
  return {
    name: "bundled, minified and gzipped",
    unit: " KiB",
    digits: 1,
    figures,
  };
}

/** The time to import it, minus the time of a process that imports nothing. */
export async function importing(
  ways: readonly Way[],
  effort: Effort,
): Promise<Row> {
  const run = (entry: string): Work => async (times) => {
    const begin = performance.now();
    for (let i = 0; i < times; i++) {
      await deno("run", "--quiet", "-A", new URL(entry, ENTRIES).href);
    }
    return performance.now() - begin;
  };
  const works = new Map<Way | undefined, Work>([
    [undefined, run("empty.ts")],
    ...ways.map((way): [Way, Work] => [way, run(way.entry)]),
  ]);
  const costs = await inTurns(works, 1, { ...effort, roundMs: 0 });
  const empty = costs.get(undefined)!.ms;
  return {
    name: `to import it (over a process that imports nothing, ${
      empty.toFixed(0)
    } ms)`,
    unit: " ms",
    digits: 0,
    figures: new Map(
      ways.map((way) => [way, (costs.get(way)!.ratio - 1) * empty]),
    ),
  };
}
