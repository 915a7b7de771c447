// Equivalent mutants of the files of `src` itself.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/fallback_model.ts": [
    {
      from: 'throw new TypeError("This model is never called");',
      to: 'throw new TypeError("");',
      reason: "It is never called.",
    },
  ],
  "src/hedge_budget.ts": [
    {
      from: "if (tokens < 1 - 1e-9) return false;",
      to: "if (tokens <= 1 - 1e-9) return false;",
      reason:
        "It differs for exactly 1 - 1e-9 tokens, which stands for a rounded 1.",
    },
  ],
} satisfies EquivalentMutants;
