// Equivalent mutants of `src/ai_sdk`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/ai_sdk/_chat_files.ts": [
    {
      from: "for (let i = 0; i < bytes.length; i += 8192) {",
      to: "for (let i = 0; i <= bytes.length; i += 8192) {",
      reason: "The last piece is then empty.",
    },
  ],
  "src/ai_sdk/_chat_prompt.ts": [
    {
      from: 'content.push({ type: "reasoning", text: reasoning });',
      to: 'content.unshift({ type: "reasoning", text: reasoning });',
      reason: "The list is empty here.",
    },
  ],
  "src/ai_sdk/fallback_language_model.ts": [
    {
      from: 'throw new TypeError("This model is never called");',
      to: 'throw new TypeError("");',
      reason: "It is never called.",
    },
  ],
} satisfies EquivalentMutants;
