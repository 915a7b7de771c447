// Equivalent mutants of `src/latency`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
