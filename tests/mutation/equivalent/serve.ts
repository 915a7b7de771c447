// Equivalent mutants of `src/serve`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/serve/_resolve_config.ts": [
    {
      from: "if (/^\\$[^$]/.test(content as string)) fromEnv.push(text);",
      to: "if (/^\\$[^$]/.test(content as string)) fromEnv.unshift(text);",
      reason: "Each of these values is hidden, whatever their order is.",
    },
  ],
  "src/serve/mod.ts": [
    {
      from: "if (import.meta.main) await main(Deno.args);",
      to: "if (import.meta.main) main(Deno.args);",
      reason: "main() catches every error, and nothing comes after it.",
    },
  ],
} satisfies EquivalentMutants;
