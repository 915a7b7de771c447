// Real clients of the gateway: the `openai` package, the AI SDK, curl and
// eventsource-parser.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { fakeProvider, step, wire } from "@fallback/stream/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { generateText, streamText } from "ai";
import { createParser } from "eventsource-parser";
import OpenAI from "openai";
import { postChat, serveChain, type TestGateway } from "./_serve.ts";

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const down = [wire.status(503, { body: { error: { message: "down" } } })];
const good = [
  { choices: [{ index: 0, delta: { role: "assistant", content: "" } }] },
  "Good ",
  "morning",
  wire.finish(),
  { choices: [], usage },
];
const broken = ["Good ", step.truncate()];
const messages = [{ role: "user" as const, content: "hi" }];

function openai({ baseURL }: TestGateway): OpenAI {
  return new OpenAI({ baseURL, apiKey: "not-needed" });
}

Deno.test("openai: create() with stream: true reads the fallback's answer and its usage", async () => {
  await using served = serveChain([down, good]);
  const stream = await openai(served).chat.completions.create({
    model: "chat",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let tokens: number | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    tokens = chunk.usage?.total_tokens ?? tokens;
  }
  assertEquals([text, tokens], ["Good morning", 5]);
});

Deno.test("openai: a loop over choices[0] works without usage", async () => {
  await using served = serveChain([good]);
  const stream = await openai(served).chat.completions.create({
    model: "chat",
    messages,
    stream: true,
  });
  let text = "";
  for await (const chunk of stream) {
    text += chunk.choices[0]!.delta.content ?? "";
  }
  assertEquals(text, "Good morning");
});

Deno.test("openai: create() without stream returns one complete answer", async () => {
  await using served = serveChain([down, good]);
  const answer = await openai(served).chat.completions.create({
    model: "chat",
    messages,
  });
  assertEquals(answer.choices[0]!.message.content, "Good morning");
  assertEquals(answer.usage?.completion_tokens, 2);
});

Deno.test("openai: .stream() gives the final content", async () => {
  await using served = serveChain([down, good]);
  const stream = openai(served).chat.completions.stream({
    model: "chat",
    messages,
  });
  const completion = await stream.finalChatCompletion();
  assertEquals(completion.choices[0]!.message.content, "Good morning");
});

Deno.test("openai: runTools() calls a tool and continues", async () => {
  const call = {
    choices: [{
      index: 0,
      delta: {
        role: "assistant",
        tool_calls: [{
          index: 0,
          id: "t",
          type: "function",
          function: { name: "weather", arguments: '{"city":"Rome"}' },
        }],
      },
      finish_reason: null,
    }],
  };
  const provider = fakeProvider({
    scripts: [[call, wire.finish("tool_calls")], [good[0]!, "It ", "rains"]],
  });
  await using served = serveChain([provider]);
  const cities: string[] = [];
  const runner = openai(served).chat.completions.runTools({
    model: "chat",
    stream: true,
    messages,
    tools: [{
      type: "function",
      function: {
        name: "weather",
        description: "The weather",
        parameters: { type: "object", properties: {} },
        parse: JSON.parse,
        function: ({ city }: { city: string }) => {
          cities.push(city);
          return "rain";
        },
      },
    }],
  });
  assertEquals(await runner.finalContent(), "It rains");
  assertEquals(cities, ["Rome"]);
});

Deno.test("openai: create() throws for an interrupted answer", async () => {
  await using served = serveChain([broken]);
  const stream = await openai(served).chat.completions.create({
    model: "chat",
    messages,
    stream: true,
  });
  const error = await assertRejects(
    () => Array.fromAsync(stream),
    OpenAI.APIError,
  );
  assertEquals(error.code, "stream_interrupted");
});

Deno.test("openai: create() throws the gateway's error without a retry when all models fail", async () => {
  await using served = serveChain([down]);
  const error = await assertRejects(
    () => openai(served).chat.completions.create({ model: "chat", messages }),
    OpenAI.APIError,
  );
  assertEquals([error.status, error.code], [502, "all_models_failed"]);
  assertEquals(served.providers[0]!.calls.length, 1);
});

Deno.test("openai: models.list() and models.retrieve() return the models", async () => {
  await using served = serveChain([good]);
  const client = openai(served);
  const { data } = await client.models.list();
  assertEquals(data.map(({ id }) => id), ["chat"]);
  assertEquals((await client.models.retrieve("chat")).id, "chat");
});

Deno.test("AI SDK: streamText() and generateText() through openai-compatible", async () => {
  await using served = serveChain([down, good]);
  const provider = createOpenAICompatible({
    name: "gateway",
    baseURL: served.baseURL,
    includeUsage: true,
  });
  const model = provider("chat");
  const { text } = await generateText({ model, prompt: "hi", maxRetries: 0 });
  assertEquals(text, "Good morning");
  const result = streamText({ model, prompt: "hi", maxRetries: 0 });
  assertEquals(await result.text, "Good morning");
  assertEquals((await result.usage).outputTokens, 2);
});

Deno.test("AI SDK: streamText() reports an error for an interrupted answer", async () => {
  await using served = serveChain([broken]);
  const provider = createOpenAICompatible({
    name: "gateway",
    baseURL: served.baseURL,
  });
  const errors: unknown[] = [];
  const result = streamText({
    model: provider("chat"),
    prompt: "hi",
    maxRetries: 0,
    onError: ({ error }) => void errors.push(error),
  });
  for await (const _ of result.textStream);
  assertEquals(errors.length, 1);
});

Deno.test("curl: prints events when they arrive", async () => {
  await using served = serveChain([down, good]);
  const body = JSON.stringify({ model: "chat", stream: true, messages });
  const { stdout, success } = await new Deno.Command("curl", {
    args: [
      "-sSN",
      "--max-time",
      "20",
      "-H",
      "content-type: application/json",
      "-d",
      body,
      `${served.baseURL}/chat/completions`,
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(success && text.endsWith("data: [DONE]\n\n"), text);
});

Deno.test("eventsource-parser: reads the same events with heartbeats between them", async () => {
  const script = ["a\u2028b", step.wait(50), "c"];
  await using served = serveChain([script], { heartbeatMs: 10 });
  const data: string[] = [];
  const comments: string[] = [];
  const parser = createParser({
    onEvent: (event) => data.push(event.data),
    onComment: (comment) => comments.push(comment),
  });
  parser.feed(await (await postChat(served)).text());
  assertEquals(
    data.slice(0, 2).map((each) => JSON.parse(each).choices[0].delta.content),
    ["a\u2028b", "c"],
  );
  assertEquals(data.at(-1), "[DONE]");
  assert(comments.length > 0);
});
