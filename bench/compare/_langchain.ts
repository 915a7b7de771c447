// LangChain's `withFallbacks`, over chat models. A provider's package would
// stream as these do: in a generator that is given the call's signal.

import { BaseChatModel } from "npm:@langchain/core@1.4.0/language_models/chat_models";
import { AIMessageChunk } from "npm:@langchain/core@1.4.0/messages";
import {
  ChatGenerationChunk,
  type ChatResult,
} from "npm:@langchain/core@1.4.0/outputs";
import { Runnable } from "npm:@langchain/core@1.4.0/runnables";
import type { FakeModel } from "@fallback/stream/testing";
import { fakeModel } from "@fallback/stream/testing";
import {
  type Chunk,
  type Library,
  never,
  type Part,
  type Source,
} from "./_library.ts";

class FakeChat extends BaseChatModel {
  readonly #fake: FakeModel<Chunk>;

  constructor(fake: FakeModel<Chunk>) {
    super({});
    this.#fake = fake;
  }

  override _llmType(): string {
    return "fake";
  }

  override _generate(): Promise<ChatResult> {
    return Promise.reject(new Error("not used here"));
  }

  override async *_streamResponseChunks(
    _messages: unknown,
    { signal = never }: this["ParsedCallOptions"],
  ): AsyncGenerator<ChatGenerationChunk> {
    const source = await this.#fake.stream("Hi", {
      signal,
      stack: new AsyncDisposableStack(),
      model: this.#fake.name,
      attemptNumber: 1,
    });
    for await (const { kind, text, error } of source) {
      if (kind === "error") throw error;
      yield new ChatGenerationChunk({
        text: kind === "text" ? text : "",
        message: new AIMessageChunk({
          content: kind === "text" ? text : "",
          ...(kind === "metadata" && { id: text }),
          response_metadata: kind === "final" ? { finish_reason: "stop" } : {},
        }),
      });
    }
  }
}

/** As little as a model can be: a chat model costs more. */
class Bare extends Runnable<string, Part> {
  override lc_namespace = ["bench"];
  readonly #source: Source;

  constructor(source: Source) {
    super();
    this.#source = source;
  }

  override invoke(): Promise<Part> {
    return Promise.reject(new Error("not used here"));
  }

  override async *_streamIterator(): AsyncGenerator<Part> {
    yield* this.#source();
  }
}

export const langchain: Library = {
  name: "LangChain",
  version: "1.4.0",
  module: import.meta.url,
  ways: [{
    name: "withFallbacks",
    label: "LangChain",
    entry: "langchain.ts",
    bare(sources) {
      const [first, ...others] = sources.map((source) => new Bare(source));
      const chain = first!.withFallbacks(others);
      return () => chain.stream("Hi");
    },
    make(specs, journal, { timeouts, attempts, continues }) {
      if (continues) return;
      const [model, ...fallbacks] = specs
        .map(({ name, scripts, ignoresAbort }) =>
          new FakeChat(
            fakeModel(name, { scripts: scripts as Chunk[][] }, {
              journal,
              ignoresAbort,
            }),
          )
        )
        .map((chat) =>
          timeouts
            ? chat.withConfig({ timeout: timeouts.firstContentMs })
            : chat
        )
        .map((chat) =>
          attempts ? chat.withRetry({ stopAfterAttempt: attempts }) : chat
        );
      const chain = model!.withFallbacks(fallbacks);
      return {
        async *call(signal, reported) {
          const stream = await chain.stream("Hi", {
            ...(signal && { signal }),
            callbacks: [{
              handleLLMError: (error) => void reported?.push(error),
            }],
          });
          for await (const { text, id, response_metadata } of stream) {
            if (text) yield { kind: "text", text };
            else if (response_metadata.finish_reason) {
              yield { kind: "final", text };
            } else yield { kind: "metadata", text: id ?? "" };
          }
        },
      };
    },
  }],
};
