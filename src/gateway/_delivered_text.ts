// What was delivered of an answer that may have to be continued. It is kept as
// text, because the chunks take a hundred times the memory.

import type { ChatChunk, ChatUsage } from "../openai/mod.ts";
import { isMoreThanText } from "../openai/_answer_text.ts";
import type { DeliveryLog } from "../continue/options.ts";

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
    for (const choice of choices) {
      if (isMoreThanText(choice)) this.#other ??= chunk;
      else this.#text += choice.delta?.content ?? "";
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
