// An answer that says which model it is from: in the response's metadata as
// soon as there is an answer, and with what was tried when it is complete. What
// cuts it is its last part.

import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { FallbackStream } from "../types/stream.ts";
import { summary } from "./_summary.ts";

type Part = LanguageModelV4StreamPart;

/** The parts of an answer, and what a chain has to say about them. */
export class AnnotatedStream {
  readonly #stream: FallbackStream<Part>;
  readonly #modelId: string;
  readonly #signal: AbortSignal | undefined;
  /** The model has said its name, or we have. */
  #named = false;
  /** The part before which our own word went. */
  #next: Part | undefined;

  constructor(
    stream: FallbackStream<Part>,
    modelId: string,
    signal: AbortSignal | undefined,
  ) {
    this.#stream = stream;
    this.#modelId = modelId;
    this.#signal = signal;
  }

  async next(): Promise<IteratorResult<Part, undefined>> {
    const value = this.#next;
    if (value) {
      this.#next = undefined;
      return { done: false, value };
    }
    try {
      const result = await this.#stream.next();
      if (result.done) return result;
      return { done: false, value: this.#tell(result.value) };
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      // The SDK tells `onError` of such a part, but not of a stream that breaks.
      return { done: false, value: { type: "error", error } };
    }
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
