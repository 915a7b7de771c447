// Suites that judge an implementation, run until one complains.

import { setImmediate } from "node:timers";

/** What notices a fault first, and what it says. */
export interface Finding {
  /** The name of a case of the contract, or `"property"`. */
  readonly by: string;
  readonly what: string;
}

/** Something that may complain. */
export interface Suite {
  readonly by: string;
  complain(): Promise<string | undefined>;
}

/** The first complaint of suites that are run in turn; nothing if none has any. */
export async function firstFinding(
  suites: readonly Suite[],
): Promise<Finding | undefined> {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    for (const { by, complain } of suites) {
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
