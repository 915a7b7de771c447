// An answer that says which model it is from: in the response's metadata as
// soon as there is an answer, and with what was tried when it is complete.

import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { FallbackStream } from "../types.ts";
import { summary } from "./_summary.ts";

type Part = LanguageModelV4StreamPart;

/** The parts of an answer, and what a chain has to say about them. */
export class ToldStream {
  readonly #stream: FallbackStream<Part>;
  readonly #modelId: string;
  /** The model has said its name, or we have. */
  #named = false;
  /** The part before which our own word went. */
  #next: Part | undefined;

  constructor(stream: FallbackStream<Part>, modelId: string) {
    this.#stream = stream;
    this.#modelId = modelId;
  }

  async next(): Promise<IteratorResult<Part, undefined>> {
    const value = this.#next;
    if (value) {
      this.#next = undefined;
      return { done: false, value };
    }
    const result = await this.#stream.next();
    return result.done
      ? result
      : { done: false, value: this.#tell(result.value) };
  }

  #tell(part: Part): Part {
    const modelId = this.#modelId;
    switch (part.type) {
      case "stream-start":
      case "raw":
        return part;
      case "response-metadata":
        this.#named = true;
        return { ...part, modelId: part.modelId ?? modelId };
      case "finish": {
        const fallback = summary(this.#stream.attempts);
        part = {
          ...part,
          providerMetadata: { ...part.providerMetadata, fallback },
        };
      }
    }
    if (this.#named) return part;
    this.#named = true;
    this.#next = part;
    return { type: "response-metadata", modelId };
  }

  return(): Promise<unknown> {
    return this.#stream.return();
  }
}
