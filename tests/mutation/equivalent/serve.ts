// Equivalent mutants of `src/serve`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
