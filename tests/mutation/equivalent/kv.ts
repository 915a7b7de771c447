// Equivalent mutants of `src/kv`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
