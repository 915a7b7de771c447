// What was delivered of an answer that may have to be continued. It is kept as
// text, because the chunks take a hundred times the memory.

import type { ChatChunk, ChatUsage } from "../openai/mod.ts";
import type { DeliveryLog } from "../continue/options.ts";

/** Deltas of these fields can be continued as one text. */
const TEXT_FIELDS: ReadonlySet<string> = new Set([
  "role",
  "content",
  "reasoning",
  "reasoning_content",
  "reasoning_details",
]);

/** Folds the delivered chunks into one. */
export class DeliveredText implements DeliveryLog<ChatChunk> {
  #text = "";
  #first: Pick<ChatChunk, "id" | "created"> = {};
  #usage: ChatUsage | undefined;
  /** A chunk that is more than text: then nothing can be continued. */
  #other: ChatChunk | undefined;

  add(chunk: ChatChunk): void {
    const { id, created, usage, choices } = chunk;
    if (id && !this.#first.id) {
      this.#first = { id, ...(created !== undefined && { created }) };
    }
    this.#usage = usage ?? this.#usage;
    for (const { index, delta } of choices) {
      const content: unknown = delta?.content;
      const isText = !index &&
        (content === undefined || content === null ||
          typeof content === "string" || typeof content === "number") &&
        Object.entries(delta ?? {}).every(([name, value]) =>
          TEXT_FIELDS.has(name) || !value
        );
      if (!isText) this.#other ??= chunk;
      else this.#text += content ?? "";
    }
  }

  chunks(): readonly ChatChunk[] {
    const folded: ChatChunk = {
      ...this.#first,
      choices: [{ index: 0, delta: { content: this.#text } }],
      ...(this.#usage && { usage: this.#usage }),
    };
    return this.#other ? [folded, this.#other] : [folded];
  }

  /** The tokens that the answer has used so far, if that is known. */
  get usedTokens(): number | undefined {
    return this.#usage?.completion_tokens;
  }
}
