// Four processes that report 1,000 calls a second each, all about one model:
// every report counts, and counts once. `-- --seconds=10` makes it last longer.

import { kvHealth, type KvHealthOptions } from "@fallback/stream/kv";
import { assert, assertEquals, assertLess } from "@std/assert";
import { delay } from "@std/async/delay";
import { temporaryFolder } from "../_temporary_folder.ts";
import { startIsolate } from "./_isolate.ts";
import type {
  Cost,
  Quantiles,
  ReporterSettings,
  Traffic,
} from "./_reporter.ts";

const PROCESSES = 4;
const PER_SECOND = 1000;
const SECONDS = Number(/--seconds=(\d+)/.exec(Deno.args.join(" "))?.[1] ?? 2);
const EACH = SECONDS * PER_SECOND;
const ALL = PROCESSES * EACH;

/** Lets all report, the last one when all others are stored; prints what it cost. */
async function load(
  health: KvHealthOptions,
  failsEvery: number,
): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const path = `${folder.path}/health.sqlite`;
  const settings: ReporterSettings = {
    path,
    health,
    perSecond: PER_SECOND,
    failsEvery,
  };
  const children = Array.from(
    { length: PROCESSES },
    () => cleanup.use(startIsolate("_reporter.ts", settings)),
  );
  await Promise.all(children.map((child) => child.tell("ready")));
  using kv = await Deno.openKv(path);
  const { snapshot } = kvHealth(kv, health);
  const traffic = async () =>
    await Promise.all(
      children.map((child) => child.tell("traffic")),
    ) as Traffic[];

  const costs = await Promise.all(
    children.map((child, i) =>
      child.tell(`report ${i === 0 ? EACH - 1 : EACH}`)
    ),
  ) as Cost[];
  const before = await snapshot();
  await children[0]!.tell("report 1");
  const after = await snapshot();
  const spent = await traffic();
  await delay(300); // nobody goes on trying
  const later = await traffic();
  for (const child of children) assert((await child.end()).success);
  costs.forEach((cost, i) => console.log(line(cost, spent[i]!)));

  const model = "model";
  const failures = ALL / failsEvery;
  assertEquals(before, [{ model, state: "closed", failures: failures - 1 }]);
  const { retryAt: _, ...opened } = after[0]!;
  assertEquals(opened, { model, state: "open", failures });
  assertEquals(later, spent);
  for (const { ms } of costs) assertLess(ms, SECONDS * 1000 + 10_000);
  // Many reports go in one exchange, also where it takes several tries.
  for (const { reads } of spent) assertLess(reads, EACH);
}

/** What one process has to say. */
function line({ reports, ms, admitMs, storeMs }: Cost, traffic: Traffic) {
  const { reads, commits, conflicts, errors } = traffic;
  const shown = (quantiles: Quantiles) =>
    quantiles.map((ms) => Number(ms.toPrecision(2))).join(" / ");
  return [
    `${Math.round(reports / ms * 1000)} reports/s`,
    `${reads} reads, ${commits} commits, ${conflicts} conflicts, ${
      JSON.stringify(errors)
    }`,
    `ms (p50 / p99 / max): admit ${shown(admitMs)}, stored ${shown(storeMs)}`,
  ].join("; ");
}

Deno.test("R21 a circuit opens with the last of thousands of failures that four processes report at once", () =>
  load({ failureThreshold: ALL, cooldownMs: 60_000 }, 1));

Deno.test("R21 a circuit opens when a quarter of thousands of calls in four processes have failed", () =>
  load({
    failureThreshold: ALL, // which are not reached
    failureRateThreshold: 0.25,
    minimumThroughput: ALL,
    cooldownMs: 60_000,
  }, 4));
