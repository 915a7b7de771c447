// Equivalent mutants of `src/gateway`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/gateway/_read_request.ts": [
    {
      from: "await new Promise((resolve) => setTimeout(resolve, 0));",
      to: "await new Promise((resolve) => setTimeout(resolve, 1));",
      reason: "It only waits longer for the signal.",
    },
  ],
  "src/gateway/_routes.ts": [
    {
      from: 'const pathname = URL.parse(url)?.pathname ?? "";',
      to: 'const pathname = URL.parse(url)?.pathname ?? "mutated";',
      reason: "Nothing is at either path.",
    },
  ],
  "src/gateway/bearer_keys.ts": [
    {
      from: "digests ??= Promise.all(trimmed.map(digestOf));",
      to: "digests = Promise.all(trimmed.map(digestOf));",
      reason: "It only saves time: the digests are the same for each request.",
    },
  ],
} satisfies EquivalentMutants;
