// What the suites say of an implementation: the contract first, then random
// scenarios beside the reference model.

import { contract, type Subject } from "@fallback/stream/testing";
import { findViolation } from "../property/_check.ts";
import { cancellation } from "./_faults/cancellation.ts";
import { clocks } from "./_faults/clocks.ts";
import { closing } from "./_faults/closing.ts";
import { flow } from "./_faults/flow.ts";
import { health } from "./_faults/health.ts";
import { nesting } from "./_faults/nesting.ts";
import { order } from "./_faults/order.ts";
import { remedies } from "./_faults/remedies.ts";
import { naive } from "./_naive.ts";
import { firstFinding, type Suite } from "./_suites.ts";
import type { Trial } from "./_verdicts.ts";

const SCENARIOS = { runs: 500, seed: 20_261 };

/** The trial of fall-back calls. */
export const calls: Trial<Subject> = {
  entries: ["mod.ts", "src/continue.ts"],
  controls: [
    order,
    cancellation,
    closing,
    flow,
    clocks,
    nesting,
    remedies,
    health,
  ].flat(),
  others: { "is the naive loop": naive },
  judge: (subject) => firstFinding(suites(subject)),
};

function suites(subject: Subject): Suite[] {
  // Most faults show with any kind of source: all promises for the first kind
  // come before any for the next.
  const kindOf = (name: string) => name.slice(name.lastIndexOf("("));
  const cases = contract(subject)
    .toSorted((a, b) => kindOf(a.name).localeCompare(kindOf(b.name)));
  return [
    ...cases.map(({ name, run }) => ({
      by: name,
      complain: () => run().then(() => undefined, messageOf),
    })),
    { by: "property", complain: () => findViolation(subject, SCENARIOS) },
  ];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
