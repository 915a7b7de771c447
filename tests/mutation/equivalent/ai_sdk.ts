// Equivalent mutants of `src/ai_sdk`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
