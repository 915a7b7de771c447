// Equivalent mutants of `src/continue`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/continue/continued_stream.ts": [
    {
      from: 'name: "continued",',
      to: 'name: "",',
      reason: "The outer call is private: nobody sees the name of its model.",
    },
  ],
  "src/continue/parts.ts": [
    {
      from:
        'const isOver = outcome !== "interrupted" || this.#context.signal.aborted ||',
      to:
        'const isOver = outcome !== "interrupted" && this.#context.signal.aborted ||',
      reason: "next() throws only if the part was interrupted or aborted.",
    },
    {
      from: "await this.#part.return().catch(() => {});",
      to: "this.#part.return().catch(() => {});",
      reason:
        "The error is thrown earlier then, but the engine waits for the same close.",
    },
  ],
  "src/continue/text_splice.ts": [
    {
      from: "#position = 0;",
      to: "#position = 1;",
      reason:
        "Text that the delivered text begins with is held back already, as a possible restart.",
    },
    {
      from: "while (length < a.length && a[length] === b[length]) length++;",
      to: "while (length <= a.length && a[length] === b[length]) length++;",
      reason:
        "It differs only for two equal texts, and nothing is left of these either way.",
    },
    {
      from: "for (let at = 1, length = 0; at < pattern.length; at++) {",
      to: "for (let at = 1, length = 0; at <= pattern.length; at++) {",
      reason: "A write behind the end of `borders` is ignored.",
    },
    {
      from: "let overlap = 0;",
      to: "let overlap = 1;",
      reason:
        "A match that begins before the first compared character is too long to last, and what it falls back to is right.",
    },
  ],
} satisfies EquivalentMutants;
