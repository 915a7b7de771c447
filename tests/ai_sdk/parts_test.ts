// Parts as real providers send them: protocol, errors, truncation, usage.

import {
  attemptsOf,
  EmptyStreamError,
  fallbackStream,
  hasStatus,
  TruncatedStreamError,
  usageOf,
} from "@fallback/stream";
import {
  aiSdkModel,
  fallbackLanguageModel,
  StreamPartError,
} from "@fallback/stream/ai-sdk";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  answer,
  chainOf,
  delta,
  finish,
  OPENING,
  type Part,
  REQUEST,
  scripted,
  sdk7,
  START,
  STOP,
  testSdk,
} from "./_sdk.ts";

const MESSAGE_START: Part = {
  type: "custom",
  kind: "anthropic.message_start",
  providerMetadata: {
    anthropic: {
      id: "m",
      usage: {
        input_tokens: 3,
        cache_read_input_tokens: 4,
        output_tokens: 1,
      },
    },
  },
};

const end = (unified: string, raw?: string): Part =>
  ({ ...STOP, finishReason: { unified, raw } }) as Part;

testSdk(
  "aiSdkModel() does not commit on a custom part, and counts its usage",
  async (sdk) => {
    const models = [
      [START, MESSAGE_START, { type: "error", error: { message: "busy" } }],
      answer("Hello"),
    ].map((script, i) => aiSdkModel(scripted(sdk, "ab"[i]!, script as Part[])));
    await using stream = await fallbackStream(models, REQUEST);
    await Array.fromAsync(stream);
    assertEquals(stream.model, "b");
    assertEquals(stream.attempts[0]?.usage, {
      inputTokens: 7,
      outputTokens: 1,
      cachedInputTokens: 4,
    });
    assertEquals(usageOf(stream.attempts).inputTokens, 10);
  },
);

for (const truncation of [end("interrupted"), end("other")]) {
  const shown = JSON.stringify(
    (truncation as Part & { type: "finish" }).finishReason,
  );
  testSdk(
    `aiSdkModel() takes a finish with ${shown} for a truncation`,
    async (sdk) => {
      const chain = (...before: Part[]) =>
        fallbackStream([
          aiSdkModel(scripted(sdk, "a", [...before, truncation])),
          aiSdkModel(scripted(sdk, "b", answer("Hello"))),
        ], REQUEST);
      await using early = await chain(START);
      assertEquals(early.model, "b");
      assertInstanceOf(early.attempts[0]?.error, TruncatedStreamError);
      await using late = await chain(...OPENING, delta("Hel"));
      const parts: Part[] = [];
      const error = await assertRejects(async () => {
        for await (const part of late) parts.push(part);
      });
      assertInstanceOf(error, TruncatedStreamError);
      assertEquals(parts.at(-1), delta("Hel"));
    },
  );
}

testSdk(
  "aiSdkModel() takes a finish with an unknown raw reason for the end",
  async (sdk) => {
    const model = chainOf(sdk, [[
      ...OPENING,
      delta("Hi"),
      end("other", "pause"),
    ]]);
    const { stream } = await model.doStream(REQUEST);
    assertEquals((await Array.fromAsync(stream)).at(-1)?.type, "finish");
  },
);

testSdk(
  "streamText() falls back on a finish with the reason error",
  async (sdk) => {
    const model = chainOf(sdk, [
      [START, end("error", "MALFORMED")],
      answer("Hi"),
    ]);
    assertEquals(await sdk.ai.streamText({ model, prompt: "Hi" }).text, "Hi");
  },
);

/** Errors as providers put them into parts, with message and status. */
const ERRORS: [error: unknown, message: string, status?: number][] = [
  [{ type: "overloaded_error", message: "Overloaded" }, "Overloaded", 529],
  [{ code: 503, message: "busy" }, "busy", 503],
  [{ code: "429", message: "busy" }, "busy", 429],
  [{ error: { status: "UNAVAILABLE", code: 503, message: "x" } }, "x", 503],
  [{ type: "error", error: { code: "server_error", message: "x" } }, "x", 500],
  [
    { response: { error: { code: "rate_limit_exceeded", message: "x" } } },
    "x",
    429,
  ],
  ["plain text", "plain text"],
  [
    Object.assign(new Error("Type validation failed"), {
      value: { error: { message: "busy", code: 503 } },
    }),
    "busy",
    503,
  ],
  [{ odd: true }, '{"odd":true}'],
  [undefined, "undefined"],
];

for (const [error, message, status] of ERRORS) {
  testSdk(
    `streamText() reports a StreamPartError for the error part ${
      JSON.stringify(error)
    }`,
    async (sdk) => {
      const part: Part = { type: "error", error };
      const model = chainOf(sdk, [[...OPENING, delta("Hel"), part]]);
      const errors: unknown[] = [];
      const result = sdk.ai.streamText({
        model,
        prompt: "Hi",
        onError: ({ error }) => void errors.push(error),
      });
      await result.consumeStream();
      const [thrown] = errors;
      assertInstanceOf(thrown, StreamPartError);
      assertEquals([thrown.message, thrown.status], [message, status]);
      assertStrictEquals(thrown.cause, error);
      assertEquals(attemptsOf(thrown).map(({ outcome }) => outcome), [
        "interrupted",
      ]);
      if (status) assertEquals(hasStatus(status)(thrown), true);
    },
  );
}

testSdk(
  "doGenerate() fails with EmptyStreamError on an empty result",
  async (sdk) => {
    const empty = [START, finish("content-filter")];
    const model = chainOf(sdk, [empty, answer("Hello")]);
    const { text } = await sdk.ai.generateText({ model, prompt: "Hi" });
    assertEquals(text, "Hello");
    const error = await assertRejects(() =>
      chainOf(sdk, [empty]).doGenerate(REQUEST)
    );
    assertInstanceOf((error as AggregateError).errors[0], EmptyStreamError);
    const lenient = chainOf(sdk, [empty, answer("Hello")], {
      allowEmpty: true,
    });
    const result = await sdk.ai.generateText({ model: lenient, prompt: "Hi" });
    assertEquals([result.text, result.finishReason], ["", "content-filter"]);
  },
);

testSdk(
  "generateText() calls the isContent of the options, too",
  async (sdk) => {
    const isContent = (part: Part) => {
      if (part.type === "text-delta" && part.delta === "no") {
        throw new Error("no");
      }
      return part.type === "text-delta";
    };
    const model = () =>
      chainOf(sdk, [answer("no"), answer("yes")], { isContent });
    const streamed = sdk.ai.streamText({ model: model(), prompt: "Hi" });
    const whole = await sdk.ai.generateText({ model: model(), prompt: "Hi" });
    assertEquals([await streamed.text, whole.text], ["yes", "yes"]);
  },
);

testSdk(
  "fallbackLanguageModel() compares header names without case",
  async (sdk) => {
    const inner = scripted(sdk, "a", answer("Hello"));
    const model = fallbackLanguageModel([
      {
        model: inner,
        settings: { headers: { "x-key": "own", "x-b": undefined } },
      },
    ]);
    await sdk.ai.generateText({
      model,
      prompt: "Hi",
      headers: { "X-Key": "call", "X-B": "call", "X-C": "call" },
    });
    const sent = Object.entries(inner.requests[0]?.headers ?? {})
      .filter(([name, value]) => /^x-/i.test(name) && value !== undefined)
      .map(([name, value]) => `${name.toLowerCase()}: ${value}`);
    assertEquals(sent.sort(), ["x-c: call", "x-key: own"]);
  },
);

testSdk(
  "fallbackLanguageModel() takes a function from the request to the models",
  async (sdk) => {
    const inner = ["a", "b"].map((id) => scripted(sdk, id, answer(id)));
    const model = fallbackLanguageModel(
      ({ seed = 0 }) => seed < 0 ? [] : [inner[seed]!],
      {
        modelId: "chat",
        supportedUrls: { "*": [/./] },
        specificationVersion: sdk.specificationVersion,
      },
    );
    assertEquals([model.modelId, await model.supportedUrls], ["chat", {
      "*": [/./],
    }]);
    for (const seed of [0, 1]) {
      const { text } = await sdk.ai.generateText({ model, prompt: "Hi", seed });
      assertEquals(text, "ab"[seed]);
    }
    assertInstanceOf(
      await assertRejects(() => model.doStream({ ...REQUEST, seed: -1 })),
      RangeError,
    );
  },
);

Deno.test('fallbackLanguageModel() of a function is "fallback" of v4 without URLs by default', async () => {
  const { modelId, specificationVersion, supportedUrls } =
    fallbackLanguageModel(() => [scripted(sdk7, "a", [])]);
  assertEquals(
    { modelId, specificationVersion, supportedUrls: await supportedUrls },
    { modelId: "fallback", specificationVersion: "v4", supportedUrls: {} },
  );
});
