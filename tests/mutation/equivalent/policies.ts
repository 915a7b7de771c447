// Equivalent mutants of `src/policies`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/policies/fallback.ts": [
    {
      from: "if (!scope.isActive) return false;",
      to: "if (!scope.isActive) return true;",
      reason: "The answer counts only while the call is active.",
    },
    {
      from: 'const isAccepted = typeof answer === "object" && answer !== null',
      to: 'const isAccepted = typeof answer === "object" || answer !== null',
      reason:
        "It only saves time: an answer that is no promise is then awaited, too.",
    },
  ],
  "src/policies/health.ts": [
    {
      from: 'if (!scope.isActive) return "refused";',
      to: 'if (!scope.isActive) return "";',
      reason: 'Once the call has ended, only a verdict of "admitted" counts.',
    },
  ],
  "src/policies/hedge.ts": [
    {
      from: "const weight = candidate.isSkipped ? 0 : 1;",
      to: "const weight = candidate.isSkipped ? 0 : 2;",
      reason: "The sum of the weights is compared with 0 only.",
    },
    {
      from: "this.runners.push(runner);",
      to: "this.runners.unshift(runner);",
      reason: "All of them are waited for, in any order.",
    },
  ],
  "src/policies/retry.ts": [
    {
      from: "if (!scope.isActive) return false;",
      to: "if (!scope.isActive) return true;",
      reason: "The answer counts only while the call is active.",
    },
  ],
} satisfies EquivalentMutants;
