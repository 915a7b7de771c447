// Equivalent mutants of `src/openai`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/openai/_body_parser.ts": [
    {
      from:
        'if (name !== "" && isErrorName(name)) return this.#failWith(data);',
      to:
        'if (name !== "mutated" && isErrorName(name)) return this.#failWith(data);',
      reason: "It only saves time: an empty name means no error.",
    },
    {
      from: "if (this.#handler.hasEnded) return;",
      to: "if (this.#handler.hasEnded) {}",
      lineBefore: "onLine(line: string): void {",
      reason: "It only saves time: after the end, no line has an effect.",
    },
    {
      from: "if (data.length * 3 > max && byteLength(data) > max) {",
      to: "if (data.length * 3 >= max && byteLength(data) > max) {",
      reason: "It only saves time: byteLength() decides.",
    },
    {
      from: "if (data.length * 3 > max && byteLength(data) > max) {",
      to: "if (data.length * 4 > max && byteLength(data) > max) {",
      reason: "It only saves time: byteLength() decides.",
    },
    {
      from: "const isPart = this.#stray.length > 0 && /^\\s/.test(line);",
      to: "const isPart = this.#stray.length > 1 && /^\\s/.test(line);",
      reason: "A line is never blank, and its line end counts.",
    },
    {
      from:
        "if (/^[}\\]]/.test(line) && this.#stray.isWorthParsing) this.#parseStray();",
      to:
        "if (/^[}\\]]/.test(line) || this.#stray.isWorthParsing) this.#parseStray();",
      reason: "It only saves time: JSON that is incomplete does not parse.",
    },
  ],
  "src/openai/_chunk_parser.ts": [
    {
      from: 'if (reason === "") continue;',
      to: 'if (reason === "mutated") continue;',
      reason: "It only saves time: an empty reason is no failure.",
    },
    {
      from: 'if (reason === "") continue;',
      to: 'if (reason === "") {}',
      reason: "It only saves time: an empty reason is no failure.",
    },
  ],
  "src/openai/_chunk_stream.ts": [
    {
      from: 'signal.addEventListener("abort", this, { once: true });',
      to: 'signal.addEventListener("abort", this, { once: false });',
      reason: "It only frees memory: a signal is aborted once.",
    },
  ],
  "src/openai/_connection_error.ts": [
    {
      from:
        "if (Object(value) !== value) return void texts.push(String(value));",
      to:
        "if (Object(value) !== value) return void texts.unshift(String(value));",
      reason: "The text is only searched, so the order does not matter.",
    },
    {
      from: 'return texts.join("\\n");',
      to: 'return texts.join("");',
      reason: "The text is only searched, and white space is ignored in it.",
    },
    {
      from: "const MAX_OBJECTS = 1000;",
      to: "const MAX_OBJECTS = 1001;",
      reason: "Any large number would do.",
    },
  ],
  "src/openai/_event_parser.ts": [
    {
      from: "if (end >= 0 && this.#parts.length > 0) {",
      to: "if (end >= 0 && this.#parts.length >= 0) {",
      reason: "It only saves time: without parts the line is the same.",
    },
  ],
  "src/openai/_exchange.ts": [
    {
      from: 'return typeof n === "number" && n > 1 ? n : 1;',
      to: 'return typeof n === "number" && n >= 1 ? n : 1;',
      reason: "1 is 1 either way.",
    },
    {
      from: "if (apiKey !== undefined) hidden.push(apiKey);",
      to: "if (apiKey !== undefined) hidden.unshift(apiKey);",
      reason: "The redactor sorts them.",
    },
  ],
  "src/openai/_stray_lines.ts": [
    {
      from: "#seenLength = 0;",
      to: "#seenLength = 1;",
      reason: "An answer is at least two characters long with its line end.",
    },
  ],
  "src/openai/_redact.ts": [
    {
      from: "if (this.#needles.length === 0) return text;",
      to: "if (this.#needles.length === 1) return text;",
      reason: "It only saves time, and each secret has at least two needles.",
    },
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
