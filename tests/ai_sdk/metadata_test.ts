// Which model answered and which attempts were made, as the metadata of a response
// and `providerMetadata.fallback` say.

import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import { step, virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  answer,
  chainOf,
  finish,
  type Generated,
  type Part,
  REQUEST,
  scripted,
  type Sdk,
  START,
  STOP,
  testSdk,
} from "./_sdk.ts";

const overloaded = new Error("overloaded");
const text = answer("Hello");

/** The `providerMetadata` of a streamed and of a generated answer. */
async function metadataOf(
  sdk: Sdk,
  makeModel: () => ReturnType<typeof chainOf>,
) {
  return await virtualTime(async () => {
    const streamed = sdk.ai.streamText({ model: makeModel(), prompt: "Hi" });
    const metadata = await streamed.providerMetadata;
    const generated = await sdk.ai.generateText({
      model: makeModel(),
      prompt: "Hi",
    });
    return [metadata, generated.providerMetadata];
  });
}

testSdk(
  "fallbackLanguageModel().modelId lists its models, and a response has the model that answered",
  async (sdk) => {
    const model = chainOf(sdk, [[step.fail(overloaded)], text]);
    assertEquals(model.provider, "fallback");
    assertEquals(model.modelId, "fallback:a,b");
    assertEquals(model.specificationVersion, sdk.specificationVersion);
    const result = sdk.ai.streamText({ model, prompt: "Hi" });
    assertEquals((await result.response).modelId, "b");
    const { response } = await sdk.ai.generateText({ model, prompt: "Hi" });
    assertEquals(response.modelId, "b");
    assertEquals(model.modelId, "fallback:a,b");
  },
);

testSdk(
  "the name of an entry is in the attempts, not in the response",
  async (sdk) => {
    const inner = scripted(sdk, "gpt", text);
    const model = fallbackLanguageModel([{ model: inner, name: "azure" }]);
    assertEquals(model.modelId, "fallback:azure");
    const { response, providerMetadata } = await sdk.ai.generateText({
      model,
      prompt: "Hi",
    });
    assertEquals(response.modelId, "gpt");
    const { attempts } = providerMetadata?.fallback ?? {};
    assertEquals((attempts as { model: string }[])[0]?.model, "azure");
  },
);

testSdk(
  "response.modelId is the id that the provider sends, also after content",
  async (sdk) => {
    const late: Part[] = [
      ...text.slice(0, 3),
      { type: "response-metadata", id: "r", modelId: "a-2026" },
      ...text.slice(3),
    ];
    const result = sdk.ai.streamText({
      model: chainOf(sdk, [late]),
      prompt: "Hi",
    });
    const { id, modelId } = await result.response;
    assertEquals({ id, modelId }, { id: "r", modelId: "a-2026" });
  },
);

testSdk(
  "response.modelId is the model that answered when the provider sends no id",
  async (sdk) => {
    const timestamp = new Date(0);
    const whole = {
      content: [{ type: "text", text: "Hello" }],
      finishReason: { unified: "stop", raw: "stop" },
      usage: (STOP as Part & { type: "finish" }).usage,
      response: { id: "r", timestamp, modelId: undefined },
      warnings: [],
    } as unknown as Generated;
    const mock = new sdk.Mock({
      modelId: "b",
      doGenerate: () => Promise.resolve(whole),
    });
    const { response } = await sdk.ai.generateText({
      model: fallbackLanguageModel([mock]),
      prompt: "Hi",
    });
    assertEquals([response.id, response.modelId], ["r", "b"]);
    const streamed = sdk.ai.streamText({
      model: chainOf(sdk, [[
        START,
        { type: "response-metadata", id: "r" },
        ...text.slice(1),
      ]]),
      prompt: "Hi",
    });
    const { id, modelId } = await streamed.response;
    assertEquals({ id, modelId }, { id: "r", modelId: "a" });
  },
);

testSdk(
  "doStream() and doGenerate() return the answer of the model that answered, with the attempts",
  async (sdk) => {
    await virtualTime(async () => {
      const model = chainOf(sdk, [
        [step.wait(250), step.fail(overloaded)],
        [step.wait(50), ...text],
      ]);
      const usage = {
        inputTokens: 3,
        outputTokens: 5,
        cachedInputTokens: 0,
        reasoningTokens: 0,
      };
      const fallback = (failed: object, completed: object) => ({
        attempts: [
          {
            outcome: "failed",
            chunks: 0,
            error: "Error: overloaded",
            ...failed,
          },
          { outcome: "completed", usage, ...completed },
        ].map((attempt, i) => ({
          model: "ab"[i],
          modelId: "ab"[i],
          provider: "fake",
          modelIndex: i,
          number: i + 1,
          ...attempt,
        })),
      });
      const origin = {
        request: { body: "request to b" },
        response: { headers: { "x-from": "b" } },
      };
      const { stream, ...rest } = await model.doStream(REQUEST);
      assertEquals(rest, origin);
      const streamed = fallback(
        { startedAt: 0, endedAt: 250 },
        { startedAt: 250, openedAt: 300, firstContentAt: 300, chunks: 5 },
      );
      assertEquals<unknown>(await Array.fromAsync(stream), [
        START,
        { type: "response-metadata", modelId: "b" },
        ...text.slice(1, -1),
        { ...STOP, providerMetadata: { fallback: streamed } },
      ]);
      const { finishReason, usage: reported } = STOP as Part & {
        type: "finish";
      };
      assertEquals<unknown>(await model.doGenerate(REQUEST), {
        ...origin,
        content: [{ type: "text", text: "Hello" }],
        finishReason,
        usage: reported,
        warnings: [],
        response: { ...origin.response, modelId: "b" },
        providerMetadata: {
          fallback: fallback(
            { startedAt: 300, openedAt: 300, endedAt: 550 },
            {
              startedAt: 550,
              openedAt: 550,
              firstContentAt: 600,
              endedAt: 600,
              chunks: 1,
            },
          ),
        },
      });
    });
  },
);

testSdk(
  "providerMetadata.fallback is plain JSON, also of a chain in a chain",
  async (sdk) => {
    const circular: { self?: unknown; log(): void } = { log() {} };
    circular.self = circular;
    const metadata = await metadataOf(sdk, () => {
      const inner = chainOf(sdk, [
        [step.fail(circular)],
        [step.fail(10n)],
        text,
      ]);
      return fallbackLanguageModel([
        scripted(sdk, "first", [step.fail(undefined)]),
        inner,
      ]);
    });
    for (const given of metadata) {
      const { fallback } = given!;
      assertEquals(structuredClone(fallback), fallback);
      assertEquals(JSON.parse(JSON.stringify(fallback)), fallback);
      const attempts = fallback?.attempts as {
        model: string;
        outcome: string;
        nested?: { model: string; outcome: string; error?: string }[];
      }[];
      assertEquals(attempts.map(({ model }) => model), [
        "first",
        "fallback:a,b,c",
      ]);
      assertEquals(
        attempts[1]?.nested?.map(({ model, outcome, error }) => [
          model,
          outcome,
          error,
        ]),
        [
          ["a", "failed", "[object Object]"],
          ["b", "failed", "10"],
          ["c", "completed", undefined],
        ],
      );
    }
  },
);

testSdk(
  "providerMetadata.fallback has the message of an error on close",
  async (sdk) => {
    const broken: Part = { type: "error", error: overloaded };
    const model = fallbackLanguageModel([
      scripted(sdk, "a", [START, broken], {
        closeScript: [step.fail(new RangeError("socket"))],
      }),
      scripted(sdk, "b", text),
    ]);
    const { providerMetadata } = sdk.ai.streamText({ model, prompt: "Hi" });
    const fallback = (await providerMetadata)?.fallback;
    assertEquals(JSON.parse(JSON.stringify(fallback)), fallback);
    const [{ closeError }] = fallback?.attempts as [{ closeError: unknown }];
    assertEquals(closeError, "RangeError: socket");
  },
);

testSdk(
  "doStream() adds response-metadata after the raw parts before content",
  async (sdk) => {
    const raw: Part = { type: "raw", rawValue: "data" };
    const model = chainOf(sdk, [[raw, START, raw, ...text.slice(1)]]);
    const { stream } = await model.doStream(REQUEST);
    const parts = await Array.fromAsync(stream);
    assertEquals(parts.slice(0, 4), [
      raw,
      START,
      raw,
      { type: "response-metadata", modelId: "a" },
    ]);
  },
);

testSdk(
  "response.modelId of nested chains is that of the innermost model",
  async (sdk) => {
    const model = fallbackLanguageModel([
      scripted(sdk, "first", [step.fail(overloaded)]),
      chainOf(sdk, [[step.fail(overloaded)], text]),
    ]);
    assertEquals(model.modelId, "fallback:first,fallback:a,b");
    const streamed = sdk.ai.streamText({ model, prompt: "Hi" });
    assertEquals((await streamed.response).modelId, "b");
    const { response } = await sdk.ai.generateText({ model, prompt: "Hi" });
    assertEquals(response.modelId, "b");
  },
);

testSdk("providerMetadata keeps the metadata of the provider", async (sdk) => {
  const own = { fake: { cached: true } };
  const script = [
    ...text.slice(0, -1),
    { ...STOP, providerMetadata: own } as Part,
  ];
  for (const given of await metadataOf(sdk, () => chainOf(sdk, [script]))) {
    assertEquals(given?.fake, own.fake);
    assert(given?.fallback);
  }
});

testSdk(
  "streamText() and generateText() return usage, finish reason, headers and request body of the model that answered",
  async (sdk) => {
    const model = chainOf(sdk, [[step.fail(overloaded)], [
      ...text.slice(0, -1),
      finish("content-filter"),
    ]]);
    const streamed = sdk.ai.streamText({
      model,
      prompt: "Hi",
      include: { requestBody: true },
    });
    const generated = await sdk.ai.generateText({
      model,
      prompt: "Hi",
      include: { requestBody: true },
    });
    for (const result of [streamed, generated]) {
      const { inputTokens, outputTokens } = await result.usage;
      assertEquals([inputTokens, outputTokens], [3, 5]);
      assertEquals(await result.finishReason, "content-filter");
      const { headers } = await result.response;
      assertEquals(headers?.["x-from"], "b");
      assertEquals((await result.request).body, "request to b");
    }
  },
);

testSdk(
  "streamText() and generateText() return the warnings of the model that answered, once",
  async (sdk) => {
    const warn = (message: string): Part => ({
      type: "stream-start",
      warnings: [{ type: "other", message }],
    });
    const model = chainOf(sdk, [
      [warn("from a"), step.fail(overloaded)],
      [warn("from b"), ...text.slice(1)],
    ]);
    const streamed = sdk.ai.streamText({ model, prompt: "Hi" });
    const generated = await sdk.ai.generateText({ model, prompt: "Hi" });
    for (const result of [streamed, generated]) {
      assertEquals(await result.warnings, [
        { type: "other", message: "from b" },
      ]);
    }
  },
);

testSdk(
  "providerMetadata.fallback has the lost attempt of a hedge",
  async (sdk) => {
    const metadata = await metadataOf(
      sdk,
      () =>
        chainOf(sdk, [[step.wait(9_000), ...text], text], {
          hedge: { afterMs: 10 },
        }),
    );
    for (const given of metadata) {
      const { attempts } = given?.fallback as {
        attempts: { outcome: string }[];
      };
      assertEquals(attempts.map(({ outcome }) => outcome), [
        "lost",
        "completed",
      ]);
    }
  },
);

testSdk(
  "providerMetadata.fallback of concurrent calls has separate attempts",
  async (sdk) => {
    const model = chainOf(sdk, [
      {
        scripts: [[step.fail(overloaded)], text, [step.fail(overloaded)], text],
      },
      text,
    ]);
    const results = await Promise.all(
      Array.from(
        { length: 4 },
        () => sdk.ai.generateText({ model, prompt: "Hi" }),
      ),
    );
    assertEquals(
      results.map(({ response, providerMetadata }) => [
        response.modelId,
        (providerMetadata?.fallback?.attempts as unknown[]).length,
      ]),
      [["b", 2], ["a", 1], ["b", 2], ["a", 1]],
    );
  },
);

testSdk(
  "doStream() of an inner chain rejects with the errors of its own models after a call of the outer chain",
  async (sdk) => {
    const inner = chainOf(sdk, [[step.fail(overloaded)]]);
    await assertRejects(() => fallbackLanguageModel([inner]).doStream(REQUEST));
    const error = await assertRejects(() => inner.doStream(REQUEST));
    assertEquals((error as AggregateError).errors, [overloaded]);
  },
);
