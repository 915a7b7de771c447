// Equivalent mutants of `src/otel`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
