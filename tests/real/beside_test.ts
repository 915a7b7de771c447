// A chain of one real model beside the bare model: the SDK's functions give the
// same, except for what the chain adds.

import {
  fallbackLanguageModel,
  type LanguageModelV4,
} from "@fallback/stream/ai-sdk";
import { assertEquals } from "@std/assert";
import * as ai7 from "ai";
import * as ai6 from "ai6";
import { Connection } from "./_connection.ts";
import {
  LANGUAGE_MODELS,
  type LanguageModelClient,
} from "./_language_models.ts";
import { loader } from "./_packages.ts";

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

const BIG_FOUR = LANGUAGE_MODELS.filter(({ name }) =>
  /AI SDK \d (anthropic|openai chat|openai responses|google)$/.test(name)
);

/** Values that differ from one call to the next. */
const VOLATILE =
  /^(timestamp|id|createdAt|responseTime\w*|.*Ms|performance|stepId|callId|messageId|headers)$/;

/** What a chain adds, and what is different in every call, taken away. */
function comparable(value: unknown): unknown {
  const text = JSON.stringify(value, (key, each) => {
    if (VOLATILE.test(key) || key === "fallback") return undefined;
    if (key === "providerMetadata" && each) {
      const { fallback: _, ...rest } = each;
      return Object.keys(rest).length > 0 ? rest : undefined;
    }
    return each;
  });
  return text === undefined ? undefined : JSON.parse(text);
}

async function modelOf(
  { wire, make }: LanguageModelClient,
): Promise<LanguageModelV4> {
  const connection = new Connection({
    headers: { "content-type": wire.contentType },
    pieces: [wire.preamble, wire.content, wire.end],
  });
  const { fetch } = connection;
  return await make(loader(false), fetch) as LanguageModelV4;
}

/** Everything that the SDK says of one stream. */
async function streamed(ai: typeof ai7, model: LanguageModelV4) {
  const result = ai.streamText({ model, prompt: "Hi", maxRetries: 0 });
  const parts = await Array.fromAsync(result.fullStream);
  const { text, finishReason, usage, warnings, response } = result;
  const { modelId } = await response;
  return comparable({
    parts,
    text: await text,
    finishReason: await finishReason,
    usage: await usage,
    warnings: await warnings,
    modelId,
  });
}

async function uiMessages(ai: typeof ai7, model: LanguageModelV4) {
  const result = ai.streamText({ model, prompt: "Hi", maxRetries: 0 });
  const response = result.toUIMessageStreamResponse();
  return (await response.text()).replace(/"id":"[^"]*"/g, '"id":""');
}

for (const client of BIG_FOUR) {
  const ai = (client.name.includes("SDK 7") ? ai7 : ai6) as typeof ai7;
  Deno.test({
    name: `${client.name}: a chain streams what the bare model streams`,
    // Providers keep timers of their own.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const chain = async () => fallbackLanguageModel([await modelOf(client)]);
      assertEquals(
        await streamed(ai, await chain()),
        await streamed(ai, await modelOf(client)),
      );
      assertEquals(
        await uiMessages(ai, await chain()),
        await uiMessages(ai, await modelOf(client)),
      );
    },
  });
}
