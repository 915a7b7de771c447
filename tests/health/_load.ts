// Four processes that report about one model, 1,000 times a second each. Every
// report counts once.

import type { SharedHealthOptions } from "@fallback/stream/kv";
import { assert, assertEquals } from "@std/assert";
import { openPlace, type Place, startProgram } from "./_place.ts";
import type { ReporterSettings } from "./_reporter.ts";

const PROCESSES = 4;
const PER_SECOND = 1000;
const EACH = 2 * PER_SECOND;
const ALL = PROCESSES * EACH;

/** The options of each case, and which part of the reports are failures. */
const CASES: readonly { options: SharedHealthOptions; failsEvery: number }[] = [
  { options: { failureThreshold: ALL }, failsEvery: 1 },
  {
    options: {
      failureThreshold: ALL, // it is not reached
      failureRateThreshold: 0.25,
      minimumThroughput: ALL,
    },
    failsEvery: 4,
  },
];

/** Checks that a circuit opens with exactly the last report. */
export async function checkLoad(place: Place): Promise<void> {
  for (const [i, { options: given, failsEvery }] of CASES.entries()) {
    const model = `model-${i + 1}`;
    await using cleanup = new AsyncDisposableStack();
    const options = {
      ...given,
      windowMs: 600_000, // as long as a slow machine may take
      cooldownMs: 600_000,
    };
    const settings: ReporterSettings = {
      place,
      model,
      options,
      perSecond: PER_SECOND,
      failsEvery,
    };
    const children = Array.from(
      { length: PROCESSES },
      () => cleanup.use(startProgram("_reporter.ts", settings)),
    );
    await Promise.all(children.map((child) => child.send("ready")));
    const { health } = cleanup.use(await openPlace(place, options));
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
