// The results of the SDK's functions when the first model fails: the complete answer
// of the second model, and nothing of the first.

import type { Attempt } from "@fallback/stream";
import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import { createJournal, step } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
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
const failsToOpen = [step.fail(overloaded)];
/** A preamble, and an `error` part before any content. */
const errorBeforeContent: Part[] = [
  { type: "stream-start", warnings: [{ type: "other", message: "from a" }] },
  { type: "response-metadata", id: "response-a", modelId: "a" },
  { type: "text-start", id: "a" },
  { type: "error", error: overloaded },
  { type: "text-delta", id: "a", delta: "never seen" },
  STOP,
];

const weather = (sdk: Sdk, inputs: unknown[] = []) => ({
  weather: sdk.ai.tool({
    inputSchema: sdk.ai.jsonSchema<{ city: string }>({
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    }),
    execute: (input) => {
      inputs.push(input);
      return `sunny in ${input.city}`;
    },
  }),
});

testSdk(
  "streamText() streams the text of the next model when the first fails to open",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [failsToOpen, answer("Hel", "lo")], {}, journal);
    const { textStream } = sdk.ai.streamText({ model, prompt: "Hi" });
    assertEquals(await Array.fromAsync(textStream), ["Hel", "lo"]);
    journal.assertClean();
  },
);

testSdk(
  "streamText() falls back on an error part before content, and delivers no part of the failed model",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [errorBeforeContent, answer("Hello")],
      {},
      journal,
    );
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

testSdk("fallbackLanguageModel() takes the SDK's mock models", async (sdk) => {
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

testSdk("doStream() delivers one preamble, with its warnings", async (sdk) => {
  const warning = { type: "other", message: "no seed" } as const;
  const model = chainOf(sdk, [errorBeforeContent, [
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

testSdk("streamText() delivers reasoning", async (sdk) => {
  const model = chainOf(sdk, [errorBeforeContent, [
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

testSdk("streamText() delivers sources and files", async (sdk) => {
  const bytes = new Uint8Array([1, 2]);
  const data = sdk.major === 7 ? { type: "data", data: bytes } : bytes;
  const model = chainOf(sdk, [errorBeforeContent, [
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
  "streamText() runs tools over several steps, and each step may fall back",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [
        { scripts: [toolCall("weather", { city: "Rome" }), failsToOpen] },
        { scripts: [answer("It is sunny.")] },
      ],
      {},
      journal,
    );
    const inputs: unknown[] = [];
    const result = sdk.ai.streamText({
      model,
      prompt: "The weather in Rome?",
      tools: weather(sdk, inputs),
      stopWhen: sdk.ai.stepCountIs(3),
    });
    assertEquals(await result.text, "It is sunny.");
    assertEquals(inputs, [{ city: "Rome" }]);
    const steps = await result.steps;
    assertEquals(steps.map(({ response }) => response.modelId), ["a", "b"]);
    assertEquals(steps[0]?.toolResults[0]?.output, "sunny in Rome");
    assertEquals(journal.calls.map(({ model }) => model), ["a", "a", "b"]);
    journal.assertClean();
  },
);

testSdk(
  "streamText() runs a tool once when its input is streamed",
  async (sdk) => {
    const streamed: Part[] = [
      START,
      { type: "tool-input-start", id: "call-weather", toolName: "weather" },
      { type: "tool-input-delta", id: "call-weather", delta: '{"city":' },
      { type: "tool-input-delta", id: "call-weather", delta: '"Rome"}' },
      { type: "tool-input-end", id: "call-weather" },
      ...toolCall("weather", { city: "Rome" }).slice(1),
    ];
    const model = chainOf(sdk, [errorBeforeContent, { scripts: [streamed] }]);
    const inputs: unknown[] = [];
    const { toolResults } = sdk.ai.streamText({
      model,
      prompt: "The weather in Rome?",
      tools: weather(sdk, inputs),
    });
    assertEquals((await toolResults).map(({ output }) => output), [
      "sunny in Rome",
    ]);
    assertEquals(inputs, [{ city: "Rome" }]);
  },
);

testSdk(
  "ToolLoopAgent works with a chain in stream() and generate()",
  async (sdk) => {
    const scripts = [toolCall("weather", { city: "Rome" }), answer("Sunny.")];
    const agent = () =>
      new sdk.ai.ToolLoopAgent({
        model: chainOf(sdk, [failsToOpen, { scripts }]),
        tools: weather(sdk),
      });
    const streamed = await agent().stream({ prompt: "The weather in Rome?" });
    assertEquals(await streamed.text, "Sunny.");
    assertEquals((await streamed.steps).length, 2);
    const generated = await agent().generate({
      prompt: "The weather in Rome?",
    });
    assertEquals(generated.text, "Sunny.");
    assertEquals(generated.steps.length, 2);
  },
);

const person = (sdk: Sdk) =>
  sdk.ai.jsonSchema<{ name: string; age: number }>({
    type: "object",
    properties: { name: { type: "string" }, age: { type: "number" } },
    required: ["name", "age"],
    additionalProperties: false,
  });
const ada = answer('{"name":"Ada",', '"age":36}');

testSdk("streamObject() returns the object of the next model", async (sdk) => {
  const model = chainOf(sdk, [errorBeforeContent, ada]);
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

testSdk(
  "streamText(), generateText() and generateObject() return structured output",
  async (sdk) => {
    const output = sdk.ai.Output.object({ schema: person(sdk) });
    const prompt = "Who was first?";
    const streamed = sdk.ai.streamText({
      model: chainOf(sdk, [errorBeforeContent, ada]),
      output,
      prompt,
    });
    assertEquals(await streamed.output, { name: "Ada", age: 36 });
    const generated = await sdk.ai.generateText({
      model: chainOf(sdk, [failsToOpen, ada]),
      output,
      prompt,
    });
    assertEquals(generated.output, { name: "Ada", age: 36 });
    const { object } = await sdk.ai.generateObject({
      model: chainOf(sdk, [failsToOpen, ada]),
      schema: person(sdk),
      prompt,
    });
    assertEquals(object, { name: "Ada", age: 36 });
  },
);

testSdk(
  "generateText() returns the answer of the next model when the first fails",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [failsToOpen, answer("Hel", "lo")], {}, journal);
    const { text } = await sdk.ai.generateText({ model, prompt: "Hi" });
    assertEquals(text, "Hello");
    journal.assertClean();
  },
);

testSdk(
  "streamText() works in eight concurrent calls while the first model is down",
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
  "fallbackLanguageModel() works in wrapLanguageModel() and customProvider()",
  async (sdk) => {
    const model = sdk.ai.wrapLanguageModel({
      model: chainOf(sdk, [failsToOpen, answer("<think>hm</think>Hello")]),
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

Deno.test("AI SDK 7 accepts a chain of specification v3", async () => {
  const model = chainOf(sdk6, [errorBeforeContent, answer("Hello")]);
  const streamed = sdk7.ai.streamText({ model, prompt: "Hi" });
  assertEquals(await streamed.text, "Hello");
  assertEquals((await streamed.response).modelId, "b");
  const generated = await sdk7.ai.generateText({
    model: chainOf(sdk6, [failsToOpen, answer("Hello")]),
    prompt: "Hi",
  });
  assertEquals(generated.text, "Hello");
});

testSdk(
  "streamText() falls back when a model sends only a finish part",
  async (sdk) => {
    const filtered = [START, finish("content-filter")];
    const model = chainOf(sdk, [filtered, answer("Hello")]);
    assertEquals(
      await sdk.ai.streamText({ model, prompt: "Hi" }).text,
      "Hello",
    );
    const lenient = chainOf(sdk, [filtered, answer("Hello")], {
      allowEmpty: true,
    });
    const result = sdk.ai.streamText({ model: lenient, prompt: "Hi" });
    assertEquals(await result.text, "");
    assertEquals(await result.finishReason, "content-filter");
  },
);

testSdk(
  "streamText() buffers raw parts before content, and delivers them",
  async (sdk) => {
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
  },
);

testSdk(
  "fallbackLanguageModel() takes models whose supportedUrls is a promise",
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

for (const name of ["streamText", "generateText"] as const) {
  testSdk(
    `${name}() counts the tokens of a model whose answer is empty`,
    async (sdk) => {
      let attempts: readonly Attempt[] = [];
      const model = chainOf(sdk, [[START, STOP], answer("Hello")], {
        onEvent: (event) => void (attempts = event.attempts),
      });
      const result = await sdk.ai[name]({ model, prompt: "Hi" });
      assertEquals(await result.text, "Hello");
      assertEquals(attempts.map(({ outcome, usage }) => [outcome, usage]), [
        ["failed", attempts[1]?.usage],
        ["completed", attempts[1]?.usage],
      ]);
      assert(attempts[0]?.usage?.inputTokens);
    },
  );
}
