// Equivalent mutants of `src/openai`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/openai/_redact.ts": [
    {
      from: "ranges.push([plain.starts[at]!, plain.ends[at + length - 1]!]);",
      to: "ranges.unshift([plain.starts[at]!, plain.ends[at + length - 1]!]);",
      reason: "text() sorts them.",
    },
  ],
  "src/openai/_spellings.ts": [
    {
      from: "if (next.text === plain.text) break;",
      to: "if (next.text === plain.text) {}",
      reason: "It only saves time: further rounds change nothing.",
    },
  ],
} satisfies EquivalentMutants;
