// What the suites say of an implementation: the contract first, then random
// scenarios beside the reference model.

import { contract, type Subject } from "@fallback/stream/testing";
import { findViolation } from "../property/check.ts";
import { type Finding, firstFinding, type Suite } from "./suites.ts";

const SCENARIOS = { runs: 500, seed: 20_261 };

/** What is wrong with an implementation; nothing if nobody notices. */
export function judge(subject: Subject): Promise<Finding | undefined> {
  return firstFinding(suites(subject));
}

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
