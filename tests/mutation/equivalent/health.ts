// Equivalent mutants of `src/health`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/health/_circuit.ts": [
    {
      from:
        "return Math.min(cooldownMs * 2 ** Math.min(failedProbes, 31), maxCooldownMs);",
      to:
        "return Math.min(cooldownMs * 2 ** Math.min(failedProbes, 32), maxCooldownMs);",
      reason:
        "With 31, any cooldown above 0 already exceeds the longest possible 'maxCooldownMs'.",
    },
  ],
  "src/health/_shared_circuits.ts": [
    {
      from: "const NEVER = -Infinity;",
      to: "const NEVER = Infinity;",
      reason: "isWithin() refuses both: a time of the future is not within.",
    },
    {
      from:
        "const pending: PendingEvent = { ...event, model, counted: false };",
      to: "const pending: PendingEvent = { ...event, model, counted: true };",
      reason: "#apply() sets it before it is read.",
    },
  ],
} satisfies EquivalentMutants;
