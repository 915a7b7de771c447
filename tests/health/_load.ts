// Four processes report about one model, 1,000 times a second each. Every report
// must count once.

import type { SharedHealthOptions } from "@fallback/stream/kv";
import { assert, assertEquals } from "@std/assert";
import {
  type DatabaseAddress,
  openStoreAt,
  startProgram,
} from "./_database_address.ts";
import type { ReportWorkerSettings } from "./_report_worker.ts";

const PROCESSES = 4;
const PER_SECOND = 1000;
const EACH = 2 * PER_SECOND;
const ALL = PROCESSES * EACH;

/** The options of each case. Each `failsEvery`-th report is a failure. */
const CASES: readonly { options: SharedHealthOptions; failsEvery: number }[] = [
  { options: { failureThreshold: ALL }, failsEvery: 1 },
  {
    options: {
      failureThreshold: ALL, // Never reached.
      failureRateThreshold: 0.25,
      minimumThroughput: ALL,
    },
    failsEvery: 4,
  },
];

/** Checks that a circuit opens with exactly the last report. */
export async function checkLoad(address: DatabaseAddress): Promise<void> {
  for (const [i, { options: given, failsEvery }] of CASES.entries()) {
    const model = `model-${i + 1}`;
    await using cleanup = new AsyncDisposableStack();
    const options = {
      ...given,
      windowMs: 600_000, // Longer than a slow machine takes.
      cooldownMs: 600_000,
    };
    const settings: ReportWorkerSettings = {
      address,
      model,
      options,
      perSecond: PER_SECOND,
      failsEvery,
    };
    const children = Array.from(
      { length: PROCESSES },
      () => cleanup.use(startProgram("_report_worker.ts", settings)),
    );
    await Promise.all(children.map((child) => child.send("ready")));
    const { health } = cleanup.use(await openStoreAt(address, options));
    await Promise.all(
      children.map((child, i) =>
        child.send(`report ${i === 0 ? EACH - 1 : EACH}`)
      ),
    );
    const failures = ALL / failsEvery;
    const stored = async () =>
      (await health.snapshot()).find((circuit) => circuit.model === model);
    assertEquals(
      await stored(),
      { model, state: "closed", failures: failures - 1 },
    );
    await children[0]!.send("report 1");
    const circuit = await stored();
    assertEquals([circuit?.state, circuit?.failures], ["open", failures]);
    for (const child of children) assert((await child.end()).success);
  }
}
