// What the suites say of a copy of the stores, quickly: for negative controls.

import { firstFinding, type Suite } from "../controls/_suites.ts";
import type { Trial } from "../controls/_verdicts.ts";
import { memoryViolation, sharedViolation } from "./_check.ts";
import { crowdCases } from "./_crowd.ts";
import { edgeCases } from "./_edges.ts";
import { faults } from "./_faults.ts";
import type { Case, Subject } from "./_subject.ts";
import { troubleCases } from "./_trouble.ts";
import { inFakeKv, memoryMs } from "./_worlds.ts";

const RUNS = { seed: 20_264, endOnFailure: true };

/** The trial of the stores. */
export const stores: Trial<Subject> = {
  entries: ["src/health/memory_health.ts", "src/health/kv_health.ts"],
  controls: faults,
  judge: (subject) => firstFinding(suites(subject)),
};

function suites(subject: Subject): Suite[] {
  const property = (name: string, find: () => Promise<string | undefined>) => ({
    name,
    async run() {
      const found = await find();
      if (found !== undefined) throw new Error(found);
    },
  });
  const cases: Case[] = [
    ...edgeCases(subject),
    ...troubleCases(subject),
    ...crowdCases(subject, 3),
    property(
      "in memory",
      () => Promise.resolve(memoryViolation(subject, { runs: 400, ...RUNS })),
    ),
    property(
      "in a KV",
      () => sharedViolation(inFakeKv(subject), { runs: 30, ...RUNS }, memoryMs),
    ),
  ];
  return cases.map(({ name, run }) => ({
    by: name,
    complain: () => run().then(() => undefined, String),
  }));
}
