// Equivalent mutants of `src/testing`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
