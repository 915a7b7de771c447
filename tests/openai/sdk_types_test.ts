// The types and streams of the real `openai` and `groq-sdk` packages.

import { assertEquals, assertRejects } from "@std/assert";
import Groq from "groq-sdk";
import type { ChatCompletionCreateParamsStreaming as GroqRequest } from "groq-sdk/resources/chat/completions";
import OpenAI from "openai";
import {
  fallbackStream,
  type Model,
  TruncatedStreamError,
} from "@fallback/stream";
import {
  type ChatRequest,
  isContent,
  isFinal,
  openaiModel,
  usage,
} from "@fallback/stream/openai";
import {
  fakeProvider,
  step,
  wire,
  type WireScript,
} from "@fallback/stream/testing";

type OpenAIRequest = OpenAI.ChatCompletionCreateParamsStreaming;

const request: OpenAIRequest = {
  model: "m",
  messages: [
    { role: "developer", content: "Be brief" },
    { role: "user", content: [{ type: "text", text: "Hi" }] },
  ],
  stream: true,
};

function openaiSdk(script: WireScript) {
  const { fetch } = fakeProvider(script);
  const client = new OpenAI({ apiKey: "k", fetch, maxRetries: 0 });
  return {
    name: "openai",
    stream: (request: OpenAIRequest, { signal }: { signal: AbortSignal }) =>
      client.chat.completions.create(request, { signal }),
    isContent,
    isFinal,
    usage,
  } satisfies Model<OpenAIRequest, OpenAI.ChatCompletionChunk>;
}

function groqSdk(script: WireScript) {
  const { fetch } = fakeProvider(script);
  const client = new Groq({ apiKey: "k", fetch, maxRetries: 0 });
  return {
    name: "groq",
    stream: (request: GroqRequest, { signal }: { signal: AbortSignal }) =>
      client.chat.completions.create(request, { signal }),
    isContent,
    isFinal,
    usage,
  } satisfies Model<GroqRequest, Groq.Chat.ChatCompletionChunk>;
}

const role = {
  choices: [{ index: 0, delta: { role: "assistant", content: "" } }],
};
const counts = {
  choices: [],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};

Deno.test("isContent(), isFinal() and usage() accept the chunks of npm:openai", async () => {
  const models = [
    openaiSdk([role, step.truncate()]),
    openaiSdk([role, "Hi", wire.finish(), counts]),
  ];

  await using stream = await fallbackStream(models, request);
  let text = "";
  for await (const { choices } of stream) {
    text += choices[0]?.delta.content ?? "";
  }

  assertEquals(text, "Hi");
  assertEquals(stream.attempts.map(({ outcome }) => outcome), [
    "failed",
    "completed",
  ]);
  assertEquals(stream.attempts[1]?.usage?.totalTokens, 3);
});

Deno.test("isContent(), isFinal() and usage() accept the chunks of npm:groq-sdk", async () => {
  const truncated = groqSdk([role, "Hi", step.truncate()]);
  const groqRequest: GroqRequest = {
    model: "m",
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
  };

  await using stream = await fallbackStream([truncated], groqRequest);

  await assertRejects(() => Array.fromAsync(stream), TruncatedStreamError);
});

Deno.test("openaiModel() accepts the request types of npm:openai and npm:groq-sdk, and interfaces", async () => {
  interface OwnRequest {
    messages: { role: "user"; content: string }[];
    temperature?: number;
  }
  const own: OwnRequest = { messages: [{ role: "user", content: "Hi" }] };
  const groq: GroqRequest = {
    model: "m",
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
  };
  const requests: ChatRequest[] = [request, groq, own];
  for (const each of requests) {
    const { calls, fetch } = fakeProvider(["Hi"]);
    const model = openaiModel({ model: "other", fetch });
    await Array.fromAsync(await fallbackStream([model], each));
    const body = calls[0]?.body as { model: string; messages: unknown };
    assertEquals(body.model, "other");
    assertEquals(body.messages, each.messages as unknown);
  }
});
