// Equivalent mutants of `src/_shared`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
