// Equivalent mutants of `src/gateway`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
