// Language models of the AI SDK, of the real provider packages.

import { mapModel, type Model } from "@fallback/stream";
import {
  aiSdkModel,
  chatModel,
  type LanguageModelV3,
  type LanguageModelV4,
} from "@fallback/stream/ai-sdk";
import type { Load } from "./_packages.ts";
import { anthropic } from "./wires/anthropic.ts";
import { chat, mistral } from "./wires/chat.ts";
import { cohere } from "./wires/cohere.ts";
import { google } from "./wires/google.ts";
import { responses } from "./wires/responses.ts";
import type { Wire } from "./wires/wire.ts";

type Fetch = typeof fetch;

/** A language model, and the protocol of its provider. */
export interface LanguageModelClient {
  readonly name: string;
  readonly wire: Wire;
  make(load: Load, fetch: Fetch): Promise<LanguageModelV4 | LanguageModelV3>;
}

const apiKey = "key";
const baseURL = "http://fake.test/v1";

export const LANGUAGE_MODELS: readonly LanguageModelClient[] = [
  {
    name: "AI SDK 7 anthropic",
    wire: anthropic,
    make: async (load, fetch) =>
      (await load("@ai-sdk/anthropic")).createAnthropic({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 7 openai chat",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk/openai")).createOpenAI({ apiKey, fetch }).chat("m"),
  },
  {
    name: "AI SDK 7 openai responses",
    wire: responses,
    make: async (load, fetch) =>
      (await load("@ai-sdk/openai")).createOpenAI({ apiKey, fetch })
        .responses("m"),
  },
  {
    name: "AI SDK 7 google",
    wire: google,
    make: async (load, fetch) =>
      (await load("@ai-sdk/google"))
        .createGoogleGenerativeAI({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 7 openai-compatible",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk/openai-compatible"))
        .createOpenAICompatible({ name: "own", baseURL, fetch })("m"),
  },
  {
    name: "AI SDK 7 openrouter",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@openrouter/ai-sdk-provider"))
        .createOpenRouter({ apiKey, fetch }).chat(
          "m",
        ) as unknown as LanguageModelV4,
  },
  {
    name: "AI SDK 7 mistral",
    wire: mistral,
    make: async (load, fetch) =>
      (await load("@ai-sdk/mistral")).createMistral({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 7 groq",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk/groq")).createGroq({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 7 deepseek",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk/deepseek")).createDeepSeek({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 7 xai responses",
    wire: responses,
    make: async (load, fetch) =>
      (await load("@ai-sdk/xai")).createXai({ apiKey, fetch }).responses("m"),
  },
  {
    name: "AI SDK 7 cohere",
    wire: cohere,
    make: async (load, fetch) =>
      (await load("@ai-sdk/cohere")).createCohere({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 7 togetherai",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk/togetherai")).createTogetherAI({ apiKey, fetch })(
        "m",
      ),
  },
  {
    name: "AI SDK 7 fireworks",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk/fireworks")).createFireworks({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 7 cerebras",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk/cerebras")).createCerebras({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 6 anthropic",
    wire: anthropic,
    make: async (load, fetch) =>
      (await load("@ai-sdk6/anthropic")).createAnthropic({ apiKey, fetch })(
        "m",
      ),
  },
  {
    name: "AI SDK 6 openai chat",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk6/openai")).createOpenAI({ apiKey, fetch }).chat("m"),
  },
  {
    name: "AI SDK 6 openai responses",
    wire: responses,
    make: async (load, fetch) =>
      (await load("@ai-sdk6/openai")).createOpenAI({ apiKey, fetch })
        .responses("m"),
  },
  {
    name: "AI SDK 6 google",
    wire: google,
    make: async (load, fetch) =>
      (await load("@ai-sdk6/google"))
        .createGoogleGenerativeAI({ apiKey, fetch })("m"),
  },
  {
    name: "AI SDK 6 openai-compatible",
    wire: chat,
    make: async (load, fetch) =>
      (await load("@ai-sdk6/openai-compatible"))
        .createOpenAICompatible({ name: "own", baseURL, fetch })("m"),
  },
];

/** A language model as a model that streams texts, read from its parts. */
export function byParts(
  model: LanguageModelV4 | LanguageModelV3,
  name: string,
  seen?: Set<string>,
): Model<string, string> {
  return mapModel(aiSdkModel(model as LanguageModelV4, { name }), {
    request: (text: string) => ({
      prompt: [{
        role: "user" as const,
        content: [{ type: "text" as const, text }],
      }],
    }),
    chunk(part) {
      seen?.add(part.type === "custom" ? part.kind : part.type);
      return part.type === "text-delta" ? part.delta : undefined;
    },
  });
}

/** A language model as a model that streams texts, read from chat-completions chunks. */
export function byChunks(
  model: LanguageModelV4 | LanguageModelV3,
  name: string,
): Model<string, string> {
  return mapModel(chatModel(model as LanguageModelV4, { name }), {
    request: (content: string) => ({ messages: [{ role: "user", content }] }),
    chunk: ({ choices }) => choices[0]?.delta?.content ?? undefined,
  });
}
