// Equivalent mutants of `src/continue`.

import type { EquivalentMutants } from "./mod.ts";

export default {} satisfies EquivalentMutants;
