// Every field of the protocol, as the types of the `openai` package list them.

import { assertEquals } from "@std/assert";
import type OpenAI from "openai";
import { chain, chatRequest, messages } from "./_client.ts";

type Field = keyof OpenAI.ChatCompletionCreateParamsStreaming;

/** Fields that the gateway sets, or drops because they concern its account. */
type OwnField =
  | "model"
  | "stream"
  | "stream_options"
  | "service_tier"
  | "store"
  | "metadata"
  | "user";

/** A value for each other field. The compiler finds one that is missing. */
const VALUES: Record<Exclude<Field, OwnField>, unknown> = {
  messages,
  audio: { voice: "alloy", format: "mp3" },
  frequency_penalty: 0.1,
  function_call: "auto",
  functions: [],
  logit_bias: { 7: 1 },
  logprobs: true,
  max_completion_tokens: 9,
  max_tokens: 8,
  modalities: ["text"],
  moderation: { model: "omni-moderation-latest" },
  n: 1,
  parallel_tool_calls: false,
  prediction: { type: "content", content: "a" },
  presence_penalty: 0.2,
  prompt_cache_key: "key",
  prompt_cache_options: { ttl: "30m" },
  prompt_cache_retention: "24h",
  reasoning_effort: "low",
  response_format: { type: "text" },
  safety_identifier: "user-1",
  seed: 7,
  stop: ["END"],
  temperature: 0,
  tool_choice: "none",
  tools: [],
  top_logprobs: 2,
  top_p: 0.5,
  verbosity: "low",
  web_search_options: {},
};

for (const [field, value] of Object.entries(VALUES)) {
  Deno.test(`gateway() passes on ${field}`, async () => {
    const { handler, providers } = chain([["Hi"]]);
    const request = chatRequest({ [field]: value, stream: true });
    await (await handler(request)).text();
    const body = providers[0]!.calls[0]!.body as Record<string, unknown>;
    assertEquals(body[field], value);
  });
}
