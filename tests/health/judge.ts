// What the suites say of a copy of the stores, quickly: for negative controls.

import { memoryViolation, sharedViolation } from "./check.ts";
import { crowdCases } from "./crowd.ts";
import { edgeCases } from "./edges.ts";
import type { Case, Subject } from "./subject.ts";
import { troubleCases } from "./trouble.ts";
import { inFakeKv, memoryMs } from "./worlds.ts";

const RUNS = { seed: 20_264, endOnFailure: true };

/** The first promise that a copy does not keep; nothing if it keeps them all. */
export async function violation(subject: Subject): Promise<string | undefined> {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    for (const { name, run } of suites(subject)) {
      const what = await run().then(() => undefined, String);
      // An unhandled rejection is told of after the turn in which it happens.
      await new Promise((resolve) => void setImmediate(resolve));
      if (what !== undefined) return `${name}: ${what}`;
      if (unhandled.length > 0) {
        return `${name}: unhandled rejection: ${unhandled[0]}`;
      }
    }
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
}

function suites(subject: Subject): Case[] {
  const property = (name: string, find: () => Promise<string | undefined>) => ({
    name,
    async run() {
      const found = await find();
      if (found !== undefined) throw new Error(found);
    },
  });
  return [
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
}
