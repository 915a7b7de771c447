// A process that reports to a circuit as fast as a busy app does, and counts
// what that costs: how often the KV is asked, and how long anybody waits.

import { kvHealth, type KvHealthOptions } from "@fallback/stream/kv";
import { delay } from "@std/async/delay";
import { obey } from "../_child.ts";

/** What a process that reports is told first. */
export interface ReporterSettings {
  /** The SQLite file. */
  readonly path: string;
  readonly health: KvHealthOptions;
  readonly perSecond: number;
  /** Every so many reports one is a failure. */
  readonly failsEvery: number;
}

/** What a process has asked of the KV so far. */
export interface Traffic {
  readonly reads: number;
  readonly commits: number;
  /** Commits that came too late. */
  readonly conflicts: number;
  /** By what they say. */
  readonly errors: Readonly<Record<string, number>>;
}

/** What reports, and questions asked meanwhile, have cost. */
export interface Cost {
  readonly reports: number;
  /** How long it took until all was stored. */
  readonly ms: number;
  readonly admitMs: Quantiles;
  readonly storeMs: Quantiles;
}

/** What a half, all but a hundredth, and all of them took at most. */
export type Quantiles = readonly [half: number, most: number, all: number];

function quantiles(numbers: number[]): Quantiles {
  const sorted = Float64Array.from(numbers).sort();
  const at = (part: number) =>
    sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] ?? 0;
  return [at(0.5), at(0.99), at(1)];
}

/** A KV that counts what is asked of it. */
function counted(kv: Deno.Kv) {
  const errors: Record<string, number> = {};
  const traffic = { reads: 0, commits: 0, conflicts: 0, errors };
  const noting = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      const text = String(error);
      errors[text] = (errors[text] ?? 0) + 1;
      throw error;
    }
  };
  const store: Parameters<typeof kvHealth>[0] = {
    get(key) {
      traffic.reads++;
      return noting(kv.get(key));
    },
    list: (selector) => kv.list(selector),
    atomic() {
      const operation = kv.atomic();
      const commit = operation.commit.bind(operation);
      operation.commit = async () => {
        traffic.commits++;
        const result = await noting(commit());
        if (!result.ok) traffic.conflicts++;
        return result;
      };
      return operation;
    },
  };
  return { store, traffic };
}

if (import.meta.main) {
  const settings: ReporterSettings = JSON.parse(Deno.args[0]!);
  const { path, perSecond, failsEvery } = settings;
  using kv = await Deno.openKv(path);
  const { store, traffic } = counted(kv);
  const health = kvHealth(store, settings.health);
  const down = new Error("overloaded");
  const admitMs: number[] = [];
  const storeMs: number[] = [];
  let reported = 0;

  const report = async () => {
    const fails = ++reported % failsEvery === 0;
    const at = performance.now();
    const stored = fails
      ? health.report("model", "failure", down)
      : health.report("model", "success");
    if (!stored) return;
    await stored;
    storeMs.push(performance.now() - at);
  };

  const admit = async () => {
    const at = performance.now();
    await health.admit("model");
    admitMs.push(performance.now() - at);
  };

  await obey({
    ready: () => admit(),
    async report(count: number): Promise<Cost> {
      const start = performance.now();
      const reports: Promise<void>[] = [];
      while (reports.length < count) {
        const due = (performance.now() - start) / 1000 * perSecond;
        while (reports.length < Math.min(due, count)) {
          reports.push(report());
          await admit();
        }
        await delay(1);
      }
      await Promise.all(reports);
      const ms = performance.now() - start;
      return {
        reports: count,
        ms,
        admitMs: quantiles(admitMs),
        storeMs: quantiles(storeMs),
      };
    },
    traffic: () => traffic,
  });
}
