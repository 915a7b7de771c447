// What the suites say of an implementation: the contract first, then random
// scenarios beside the reference model.

import { contract, type Subject } from "@fallback/stream/testing";
import { findViolation } from "../property/check.ts";

const SCENARIOS = { runs: 500, seed: 20_261 };

/** What notices a fault first, and what it says. */
export interface Finding {
  /** The name of a case of the contract, or `"property"`. */
  readonly by: string;
  readonly what: string;
}

/** What is wrong with an implementation; nothing if nobody notices. */
export async function judge(subject: Subject): Promise<Finding | undefined> {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    for (const { by, complain } of suites(subject)) {
      const what = await complain();
      // An unhandled rejection is told of after the turn in which it happens.
      await new Promise((resolve) => void setImmediate(resolve));
      if (what !== undefined) return { by, what };
      if (unhandled.length > 0) {
        return { by, what: `unhandled rejection: ${unhandled[0]}` };
      }
    }
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
}

interface Suite {
  readonly by: string;
  complain(): Promise<string | undefined>;
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
