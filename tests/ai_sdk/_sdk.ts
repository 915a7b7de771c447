// AI SDK 7 and 6 with one set of types, and language models of both specifications
// that run the scripts of the harness.

import {
  fallbackLanguageModel,
  type FallbackLanguageModelOptions,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4StreamPart,
} from "@fallback/stream/ai-sdk";
import {
  fakeModel,
  type FakeModelOptions,
  type Journal,
  type Script,
} from "@fallback/stream/testing";
import * as ai7 from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as ai6 from "ai6";
import { MockLanguageModelV3 } from "ai6/test";

export type Part = LanguageModelV4StreamPart;
export type Request = LanguageModelV4CallOptions;
export type Options = FallbackLanguageModelOptions<Request, Part>;
export type Generated = Awaited<ReturnType<LanguageModelV4["doGenerate"]>>;

/** One major version of the SDK. Both have the types of 7, except in `types_test.ts`. */
export interface Sdk {
  readonly major: 7 | 6;
  readonly ai: typeof ai7;
  readonly Mock: typeof MockLanguageModelV4;
  readonly specificationVersion: "v4";
}

export const sdk7: Sdk = {
  major: 7,
  ai: ai7,
  Mock: MockLanguageModelV4,
  specificationVersion: "v4",
};

export const sdk6: Sdk = {
  major: 6,
  ai: ai6 as unknown as typeof ai7,
  Mock: MockLanguageModelV3 as unknown as typeof MockLanguageModelV4,
  specificationVersion: "v3" as "v4",
};

// The tests cause warnings on purpose; do not print them.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

/** Defines a test for each major version. */
export function testSdk(
  name: string,
  test: (sdk: Sdk) => void | Promise<void>,
): void {
  for (const sdk of [sdk7, sdk6]) {
    Deno.test(`AI SDK ${sdk.major}: ${name}`, () => test(sdk));
  }
}

// Parts

export const START: Part = { type: "stream-start", warnings: [] };

export function finish(
  unified: "stop" | "tool-calls" | "content-filter",
): Part {
  return {
    type: "finish",
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 5, text: 5, reasoning: 0 },
    },
  };
}

export const STOP: Part = finish("stop");

export function delta(text: string): Part {
  return { type: "text-delta", id: "t", delta: text };
}

/** The parts before the first text delta. */
export const OPENING: readonly Part[] = [START, {
  type: "text-start",
  id: "t",
}];

/** The parts of a complete text answer. */
export function answer(...pieces: string[]): Part[] {
  return [
    ...OPENING,
    ...pieces.map(delta),
    { type: "text-end", id: "t" },
    STOP,
  ];
}

/** The parts of a complete answer that calls a tool. */
export function toolCall(toolName: string, input: unknown): Part[] {
  return [
    START,
    {
      type: "tool-call",
      toolCallId: `call-${toolName}`,
      toolName,
      input: JSON.stringify(input),
    },
    finish("tool-calls"),
  ];
}

// Models

/** A language model that runs a script, and records its requests. */
export interface Scripted extends LanguageModelV4 {
  readonly requests: Request[];
}

type Scripts = Script<Part> | { readonly scripts: readonly Script<Part>[] };

/** Creates a language model from a fake model of the harness. */
export function scripted(
  { specificationVersion }: Pick<Sdk, "specificationVersion">,
  modelId: string,
  script: Scripts,
  options: FakeModelOptions<Part> & Partial<LanguageModelV4> = {},
): Scripted {
  const fake = fakeModel<Part>(modelId, script as Script<Part>, {
    kind: "readable",
    ...options,
  });
  const requests: Request[] = [];
  const openStream = async (request: Request) => {
    requests.push(request);
    return await fake.stream(request, {
      signal: request.abortSignal ?? new AbortController().signal,
      stack: new AsyncDisposableStack(),
      model: modelId,
      attemptNumber: 1,
    }) as ReadableStream<Part>;
  };
  return {
    specificationVersion,
    provider: options.provider ?? "fake",
    modelId,
    supportedUrls: options.supportedUrls ?? {},
    requests,
    async doStream(request) {
      return {
        stream: await openStream(request),
        request: { body: `request to ${modelId}` },
        response: { headers: { "x-from": modelId } },
      };
    },
    async doGenerate(request) {
      const parts = await Array.fromAsync(await openStream(request));
      return {
        ...resultOf(parts),
        request: { body: `request to ${modelId}` },
        response: { headers: { "x-from": modelId } },
      };
    },
  };
}

/** Converts the parts of a stream to the result of `doGenerate`. */
function resultOf(parts: Part[]): Generated {
  const text = parts.map((part) => part.type === "text-delta" ? part.delta : "")
    .join("");
  const end = parts.find((part) => part.type === "finish");
  const start = parts.find((part) => part.type === "stream-start");
  return {
    content: [
      ...(text ? [{ type: "text" as const, text }] : []),
      ...parts.filter((part) => part.type === "tool-call"),
    ],
    finishReason: end!.finishReason,
    usage: end!.usage,
    ...(end!.providerMetadata && { providerMetadata: end!.providerMetadata }),
    warnings: start?.warnings ?? [],
  };
}

/** Creates a chain of models that run these scripts, named `a`, `b` and so on. */
export function chainOf(
  sdk: Sdk,
  scripts: Scripts[],
  options: Options = {},
  journal?: Journal,
): LanguageModelV4 {
  const models = scripts.map((script, i) =>
    scripted(sdk, "abcdef"[i]!, script, { journal })
  );
  return fallbackLanguageModel(models, options);
}

/** The request of a user message, as the SDK passes it to a model. */
export const REQUEST: Request = {
  prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
};
