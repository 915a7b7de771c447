// The stream of a chain as the SDK reads it. The response's metadata names the
// model that answers, the `finish` part carries the attempts, and an error is the
// last part.

import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { FallbackStream } from "../types/stream.ts";
import { summary } from "./_summary.ts";

type Part = LanguageModelV4StreamPart;

/** The parts of an answer, with the metadata of its chain. */
export class AnnotatedStream {
  readonly #stream: FallbackStream<Part>;
  readonly #modelId: string;
  readonly #signal: AbortSignal | undefined;
  /** A `response-metadata` part was delivered. */
  #isNamed = false;
  /** The part that an inserted one was delivered before. */
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
      return { done: false, value: this.#annotate(result.value) };
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      // The SDK calls `onError` for such a part, not for a stream that rejects.
      return { done: false, value: { type: "error", error } };
    }
  }

  #annotate(part: Part): Part {
    const modelId = this.#modelId;
    switch (part.type) {
      case "stream-start":
      case "raw":
        return part;
      case "response-metadata":
        this.#isNamed = true;
        return { ...part, modelId: part.modelId ?? modelId };
      case "finish": {
        const fallback = summary(this.#stream.attempts);
        part = {
          ...part,
          providerMetadata: { ...part.providerMetadata, fallback },
        };
      }
    }
    if (this.#isNamed) return part;
    this.#isNamed = true;
    this.#next = part;
    return { type: "response-metadata", modelId };
  }

  return(): Promise<unknown> {
    return this.#stream.return();
  }
}
