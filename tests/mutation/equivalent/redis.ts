// Equivalent mutants of `src/redis`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
