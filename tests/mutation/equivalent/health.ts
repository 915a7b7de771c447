// Equivalent mutants of `src/health`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
