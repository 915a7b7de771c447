// Equivalent mutants of `src/sse`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
