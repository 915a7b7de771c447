// Collects garbage, and measures the heap after that.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Runs a full garbage collection. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    // Only contexts that are created after setting the flag have `gc`.
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}

/** The size of the heap after a garbage collection, in bytes. */
export function heapUsedAfterGc(): number {
  collectGarbage();
  return Deno.memoryUsage().heapUsed;
}
