// What the suites say of an implementation: the contract first, then random
// scenarios beside the reference model.

import { contract, type Subject } from "@fallback/stream/testing";
import { findViolation } from "../property/check.ts";
import { cancellation } from "./faults/cancellation.ts";
import { clocks } from "./faults/clocks.ts";
import { closing } from "./faults/closing.ts";
import { flow } from "./faults/flow.ts";
import { health } from "./faults/health.ts";
import { nesting } from "./faults/nesting.ts";
import { order } from "./faults/order.ts";
import { remedies } from "./faults/remedies.ts";
import { naive } from "./naive.ts";
import { firstFinding, type Suite } from "./suites.ts";
import type { Trial } from "./verdicts.ts";

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
