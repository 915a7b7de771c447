// Language models of the AI SDK, for the libraries that take those: fakes that
// convert the common scripts to parts, and the parts back to chunks.

import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
} from "@ai-sdk/provider";
import { fakeModel } from "@fallback/stream/testing";
import {
  type Chunk,
  type Journal,
  type Line,
  never,
  type Part,
  type Source,
  type Spec,
  Step,
} from "./_library.ts";

/** The request, the same in every call. */
export function request(signal?: AbortSignal): LanguageModelV4CallOptions {
  return {
    prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    ...(signal && { abortSignal: signal }),
  };
}

/** A model of which only streaming is used. */
function streamingModel(
  modelId: string,
  stream: (
    options: LanguageModelV4CallOptions,
  ) => PromiseLike<ReadableStream<Part>> | ReadableStream<Part>,
): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "fake",
    modelId,
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("not used here")),
    doStream: async (options) => ({ stream: await stream(options) }),
  };
}

/** A fake that follows a script. */
export function languageModel(spec: Spec, journal: Journal): LanguageModelV4 {
  const { name, scripts, ignoresAbort } = spec;
  const fake = fakeModel<Part | Step>(name, {
    scripts: scripts.map((lines) => partsOf(lines)),
  }, { journal, kind: "readable", ignoresAbort });
  return streamingModel(name, async ({ abortSignal }) => {
    const source = await fake.stream("Hi", {
      signal: abortSignal ?? never,
      stack: new AsyncDisposableStack(),
      model: name,
      attemptNumber: 1,
    });
    return source as ReadableStream<Part>; // as `kind` says
  });
}

/** Models of nothing but sources, which are all `ReadableStream`s. */
export function bareModels(sources: readonly Source[]): LanguageModelV4[] {
  return sources.map((source, i) =>
    streamingModel(`model-${i}`, () => source() as ReadableStream<Part>)
  );
}

/** The lines of a script, with the brackets that the AI SDK wants. */
function partsOf(lines: readonly Line[]): (Part | Step)[] {
  let count = 0;
  return lines.flatMap((line): (Part | Step)[] => {
    if (line instanceof Step) return [line];
    const { kind, text, error } = line;
    switch (kind) {
      case "metadata":
        return [
          { type: "stream-start", warnings: [] },
          { type: "response-metadata", id: text, modelId: text },
        ];
      case "text": {
        const delta: Part = { type: "text-delta", id: "1", delta: text };
        return count++ ? [delta] : [{ type: "text-start", id: "1" }, delta];
      }
      case "final":
        return count ? [{ type: "text-end", id: "1" }, finish(count)] : [
          finish(count),
        ];
      case "error":
        return [{ type: "error", error }];
    }
  });
}

function finish(tokens: number): Part {
  return {
    type: "finish",
    finishReason: { unified: "stop", raw: "stop" },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: tokens, text: tokens, reasoning: 0 },
    },
  };
}

/** Reads the parts as a caller does, to whom an error part is an error. */
export async function* chunksOf(
  parts: AsyncIterable<Part>,
  reported?: unknown[],
): AsyncGenerator<Chunk> {
  for await (const part of parts) {
    switch (part.type) {
      case "error":
        throw part.error;
      case "text-delta":
        yield { kind: "text", text: part.delta };
        break;
      case "response-metadata":
        yield { kind: "metadata", text: part.id ?? "" };
        break;
      case "finish":
        reported?.push(part.providerMetadata);
        yield { kind: "final", text: "" };
    }
  }
}
