// Equivalent mutants of `src/_shared`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/_shared/retry_after.ts": [
    {
      from:
        'json && json.includes("retryDelay") ? parseJson(json) : undefined,',
      to: 'json && json.includes("") ? parseJson(json) : undefined,',
      reason: "It only saves time: what has no retryDelay is parsed, too.",
    },
  ],
} satisfies EquivalentMutants;
