// Equivalent mutants of `src/_shared`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/_shared/retry_after.ts": [
    {
      from: "return full > now + 50 ? full - 100 : full;",
      to: "return full > now + 50 ? full - 101 : full;",
      reason: "Either year is past, so that the wait is 0.",
    },
    {
      from: 'typeof message === "string" && message.includes("retryDelay")',
      to: 'typeof message === "string" && message.includes("")',
      reason: "It only saves time: what has no retryDelay is parsed, too.",
    },
  ],
} satisfies EquivalentMutants;
