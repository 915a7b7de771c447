// Equivalent mutants of `src/openai`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
