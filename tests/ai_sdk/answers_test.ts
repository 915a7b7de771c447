// What the SDK's functions give when the first model is down: the second's
// answer, whole, and nothing of the first.

import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import { createJournal, step } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import {
  answer,
  chainOf,
  delta,
  finish,
  OPENING,
  type Part,
  REQUEST,
  scripted,
  type Sdk,
  sdk6,
  sdk7,
  START,
  STOP,
  testSdk,
  toolCall,
} from "./_sdk.ts";

const overloaded = new Error("overloaded");
const refuses = [step.fail(overloaded)];
/** A preamble, and an `error` part before anything was said. */
const errsEarly: Part[] = [
  { type: "stream-start", warnings: [{ type: "other", message: "from a" }] },
  { type: "response-metadata", id: "response-a", modelId: "a" },
  { type: "text-start", id: "a" },
  { type: "error", error: overloaded },
  { type: "text-delta", id: "a", delta: "never seen" },
  STOP,
];

const weather = (sdk: Sdk, asked: unknown[] = []) => ({
  weather: sdk.ai.tool({
    inputSchema: sdk.ai.jsonSchema<{ city: string }>({
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    }),
    execute: (input) => {
      asked.push(input);
      return `sunny in ${input.city}`;
    },
  }),
});

testSdk(
  "streamText streams the next model's text where the first refuses",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [refuses, answer("Hel", "lo")], {}, journal);
    const { textStream } = sdk.ai.streamText({ model, prompt: "Hi" });
    assertEquals(await Array.fromAsync(textStream), ["Hel", "lo"]);
    journal.assertClean();
  },
);

testSdk(
  "an error part before content falls back, and nothing of that model is seen",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [errsEarly, answer("Hello")], {}, journal);
    const errors: unknown[] = [];
    const result = sdk.ai.streamText({
      model,
      prompt: "Hi",
      onError: ({ error }) => void errors.push(error),
    });
    const parts = await Array.fromAsync(result.fullStream);
    assertEquals(parts.map(({ type }) => type), [
      "start",
      "start-step",
      "text-start",
      "text-delta",
      "text-end",
      "finish-step",
      "finish",
    ]);
    assertEquals(await result.text, "Hello");
    assertEquals(await result.warnings, []);
    assertEquals(errors, []);
    journal.assertClean();
  },
);

testSdk("the SDK's own mocks are models of a chain", async (sdk) => {
  const down = new sdk.Mock({
    modelId: "down",
    doStream: () => Promise.reject(overloaded),
  });
  const up = new sdk.Mock({
    modelId: "up",
    doStream: () =>
      Promise.resolve({ stream: ReadableStream.from(answer("Hello")) }),
  });
  const { text, response } = sdk.ai.streamText({
    model: fallbackLanguageModel([down, up]),
    prompt: "Hi",
  });
  assertEquals(await text, "Hello");
  assertEquals((await response).modelId, "up");
  assertEquals([down.doStreamCalls.length, up.doStreamCalls.length], [1, 1]);
});

testSdk("a preamble is delivered once, with its warnings", async (sdk) => {
  const warning = { type: "other", message: "no seed" } as const;
  const model = chainOf(sdk, [errsEarly, [
    { type: "stream-start", warnings: [warning] },
    { type: "response-metadata", id: "response-b", modelId: "b-2026" },
    ...answer("Hello").slice(1),
  ]]);
  const { stream } = await model.doStream(REQUEST);
  const parts = await Array.fromAsync(stream);
  assertEquals(parts.map(({ type }) => type), [
    "stream-start",
    "response-metadata",
    "text-start",
    "text-delta",
    "text-end",
    "finish",
  ]);
  const { warnings, response } = sdk.ai.streamText({ model, prompt: "Hi" });
  assertEquals(await warnings, [warning]);
  const { id, modelId } = await response;
  assertEquals({ id, modelId }, { id: "response-b", modelId: "b-2026" });
});

testSdk("reasoning reaches the caller", async (sdk) => {
  const model = chainOf(sdk, [errsEarly, [
    START,
    { type: "reasoning-start", id: "r" },
    { type: "reasoning-delta", id: "r", delta: "Greet " },
    { type: "reasoning-delta", id: "r", delta: "back." },
    { type: "reasoning-end", id: "r" },
    ...answer("Hello").slice(1),
  ]]);
  const result = sdk.ai.streamText({ model, prompt: "Hi" });
  assertEquals(await result.reasoningText, "Greet back.");
  assertEquals(await result.text, "Hello");
});

testSdk("sources and files reach the caller", async (sdk) => {
  const bytes = new Uint8Array([1, 2]);
  const data = sdk.major === 7 ? { type: "data", data: bytes } : bytes;
  const model = chainOf(sdk, [errsEarly, [
    START,
    { type: "source", sourceType: "url", id: "s", url: "https://host/" },
    { type: "file", mediaType: "image/png", data } as Part,
    STOP,
  ]]);
  const result = sdk.ai.streamText({ model, prompt: "Hi" });
  assertEquals((await result.sources).map(({ id }) => id), ["s"]);
  const [file] = await result.files;
  assertEquals(file?.uint8Array, bytes);
});

testSdk(
  "tools run over several steps, each of which may fall back",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [
        { scripts: [toolCall("weather", { city: "Rome" }), refuses] },
        { scripts: [answer("It is sunny.")] },
      ],
      {},
      journal,
    );
    const asked: unknown[] = [];
    const result = sdk.ai.streamText({
      model,
      prompt: "The weather in Rome?",
      tools: weather(sdk, asked),
      stopWhen: sdk.ai.stepCountIs(3),
    });
    assertEquals(await result.text, "It is sunny.");
    assertEquals(asked, [{ city: "Rome" }]);
    const steps = await result.steps;
    assertEquals(steps.map(({ response }) => response.modelId), ["a", "b"]);
    assertEquals(steps[0]?.toolResults[0]?.output, "sunny in Rome");
    assertEquals(journal.calls.map(({ model }) => model), ["a", "a", "b"]);
    journal.assertClean();
  },
);

testSdk(
  "an input of a tool that is streamed commits, and is not repeated",
  async (sdk) => {
    const streamed: Part[] = [
      START,
      { type: "tool-input-start", id: "call-weather", toolName: "weather" },
      { type: "tool-input-delta", id: "call-weather", delta: '{"city":' },
      { type: "tool-input-delta", id: "call-weather", delta: '"Rome"}' },
      { type: "tool-input-end", id: "call-weather" },
      ...toolCall("weather", { city: "Rome" }).slice(1),
    ];
    const model = chainOf(sdk, [errsEarly, { scripts: [streamed] }]);
    const asked: unknown[] = [];
    const { toolResults } = sdk.ai.streamText({
      model,
      prompt: "The weather in Rome?",
      tools: weather(sdk, asked),
    });
    assertEquals((await toolResults).map(({ output }) => output), [
      "sunny in Rome",
    ]);
    assertEquals(asked, [{ city: "Rome" }]);
  },
);

testSdk("an agent works unchanged, streaming or not", async (sdk) => {
  const scripts = [toolCall("weather", { city: "Rome" }), answer("Sunny.")];
  const agent = () =>
    new sdk.ai.ToolLoopAgent({
      model: chainOf(sdk, [refuses, { scripts }]),
      tools: weather(sdk),
    });
  const streamed = await agent().stream({ prompt: "The weather in Rome?" });
  assertEquals(await streamed.text, "Sunny.");
  assertEquals((await streamed.steps).length, 2);
  const generated = await agent().generate({ prompt: "The weather in Rome?" });
  assertEquals(generated.text, "Sunny.");
  assertEquals(generated.steps.length, 2);
});

const person = (sdk: Sdk) =>
  sdk.ai.jsonSchema<{ name: string; age: number }>({
    type: "object",
    properties: { name: { type: "string" }, age: { type: "number" } },
    required: ["name", "age"],
    additionalProperties: false,
  });
const ada = answer('{"name":"Ada",', '"age":36}');

testSdk("streamObject gives the next model's object", async (sdk) => {
  const model = chainOf(sdk, [errsEarly, ada]);
  const { partialObjectStream, object } = sdk.ai.streamObject({
    model,
    schema: person(sdk),
    prompt: "Who was first?",
  });
  assertEquals((await Array.fromAsync(partialObjectStream)).at(-1), {
    name: "Ada",
    age: 36,
  });
  assertEquals(await object, { name: "Ada", age: 36 });
});

testSdk("structured output works, streaming or not", async (sdk) => {
  const output = sdk.ai.Output.object({ schema: person(sdk) });
  const prompt = "Who was first?";
  const streamed = sdk.ai.streamText({
    model: chainOf(sdk, [errsEarly, ada]),
    output,
    prompt,
  });
  assertEquals(await streamed.output, { name: "Ada", age: 36 });
  const generated = await sdk.ai.generateText({
    model: chainOf(sdk, [refuses, ada]),
    output,
    prompt,
  });
  assertEquals(generated.output, { name: "Ada", age: 36 });
  const { object } = await sdk.ai.generateObject({
    model: chainOf(sdk, [refuses, ada]),
    schema: person(sdk),
    prompt,
  });
  assertEquals(object, { name: "Ada", age: 36 });
});

testSdk(
  "generateText gives the next model's answer where the first refuses",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [refuses, answer("Hel", "lo")], {}, journal);
    const { text } = await sdk.ai.generateText({ model, prompt: "Hi" });
    assertEquals(text, "Hello");
    journal.assertClean();
  },
);

testSdk(
  "eight overlapping calls with the first model down all answer",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [[step.open(), step.fail(overloaded)], answer("Hel", "lo")],
      {},
      journal,
    );
    const prompt = "Hi";
    const texts = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      const { text } = i % 2 === 0
        ? sdk.ai.streamText({ model, prompt })
        : await sdk.ai.generateText({ model, prompt });
      return await text;
    }));
    assertEquals(texts, Array(8).fill("Hello"));
    assertEquals(journal.calls.length, 16);
    journal.assertClean();
  },
);

testSdk(
  "a chain can be wrapped in a middleware and served by a provider",
  async (sdk) => {
    const model = sdk.ai.wrapLanguageModel({
      model: chainOf(sdk, [refuses, answer("<think>hm</think>Hello")]),
      middleware: sdk.ai.extractReasoningMiddleware({ tagName: "think" }),
    });
    const provider = sdk.ai.customProvider({ languageModels: { best: model } });
    const result = sdk.ai.streamText({
      model: provider.languageModel("best"),
      prompt: "Hi",
    });
    assertEquals(await result.text, "Hello");
    assertEquals(await result.reasoningText, "hm");
  },
);

Deno.test("AI SDK 7 takes a chain of specification v3 too", async () => {
  const model = chainOf(sdk6, [errsEarly, answer("Hello")]);
  const streamed = sdk7.ai.streamText({ model, prompt: "Hi" });
  assertEquals(await streamed.text, "Hello");
  assertEquals((await streamed.response).modelId, "b");
  const generated = await sdk7.ai.generateText({
    model: chainOf(sdk6, [refuses, answer("Hello")]),
    prompt: "Hi",
  });
  assertEquals(generated.text, "Hello");
});

testSdk("an answer of nothing but a finish is none", async (sdk) => {
  const filtered = [START, finish("content-filter")];
  const model = chainOf(sdk, [filtered, answer("Hello")]);
  assertEquals(await sdk.ai.streamText({ model, prompt: "Hi" }).text, "Hello");
  const lenient = chainOf(sdk, [filtered, answer("Hello")], {
    allowEmpty: true,
  });
  const result = sdk.ai.streamText({ model: lenient, prompt: "Hi" });
  assertEquals(await result.text, "");
  assertEquals(await result.finishReason, "content-filter");
});

testSdk("raw parts are held like a preamble, and passed on", async (sdk) => {
  const raw = (rawValue: string): Part => ({ type: "raw", rawValue });
  const model = chainOf(sdk, [
    [START, raw("a"), step.fail(overloaded)],
    [START, raw("b"), ...OPENING.slice(1), raw("c"), delta("Hello"), STOP],
  ]);
  const { stream } = await model.doStream({
    ...REQUEST,
    includeRawChunks: true,
  });
  const parts = await Array.fromAsync(stream);
  assertEquals(
    parts.flatMap((part) => part.type === "raw" ? [part.rawValue] : []),
    ["b", "c"],
  );
});

testSdk(
  "an entry may be a model that is slow to say which urls it takes",
  async (sdk) => {
    const slow = scripted(sdk, "slow", answer("Hello"), {
      supportedUrls: Promise.resolve({}),
    });
    const model = fallbackLanguageModel([slow]);
    assertEquals(
      await sdk.ai.streamText({ model, prompt: "Hi" }).text,
      "Hello",
    );
  },
);
