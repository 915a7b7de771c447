// Measures the heap after a garbage collection.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collectGarbage: (() => void) | undefined;

/** The size of the heap after a garbage collection, in bytes. */
export function heapUsedAfterGc(): number {
  if (collectGarbage === undefined) {
    setFlagsFromString("--expose-gc");
    // Only contexts that are created after setting the flag have `gc`.
    collectGarbage = runInNewContext("gc") as () => void;
  }
  collectGarbage();
  return Deno.memoryUsage().heapUsed;
}
