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
  assertThrows,
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

const end = (unified: string, raw?: string | null): Part =>
  ({ ...STOP, finishReason: { unified, raw } }) as Part;

const model = aiSdkModel(scripted(sdk7, "a", []));

/** What `isFinal()` throws for a part. */
const errorOf = (part: Part) => assertThrows(() => model.isFinal?.(part));

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

for (
  const truncation of [
    end("interrupted"),
    end("other"),
    end("other", null),
  ]
) {
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

Deno.test("aiSdkModel().isFinal() throws StreamPartError with the raw reason of a finish with the reason error", () => {
  const reasons = { MALFORMED: " (MALFORMED)", error: "", "": "" };
  for (const [raw, shown] of Object.entries(reasons)) {
    const error = errorOf(end("error", raw));
    assertInstanceOf(error, StreamPartError);
    assertEquals(
      error.message,
      `the answer ended with finish reason "error"${shown}`,
    );
  }
});

/** A part in which each provider reports its usage as Anthropic does. */
const reporting = (...usages: unknown[]) => ({
  type: "custom",
  kind: "a.b",
  providerMetadata: { ...usages.map((usage) => ({ usage })) },
});

/** Parts, and the usage that they report. */
const USAGES: [part: object, usage: object | undefined][] = [
  [
    STOP,
    {
      inputTokens: 3,
      outputTokens: 5,
      cachedInputTokens: 0,
      reasoningTokens: 0,
    },
  ],
  [{ ...STOP, usage: { outputTokens: { total: 5 } } }, { outputTokens: 5 }],
  [
    {
      ...STOP,
      usage: {
        inputTokens: 3,
        outputTokens: 5,
        totalTokens: 9,
        cachedInputTokens: 2,
        reasoningTokens: 1,
      },
    },
    {
      inputTokens: 3,
      outputTokens: 5,
      totalTokens: 9,
      cachedInputTokens: 2,
      reasoningTokens: 1,
    },
  ],
  [{ ...STOP, usage: { inputTokens: null, outputTokens: "5" } }, {}],
  [
    reporting({
      input_tokens: 3,
      cache_read_input_tokens: 4,
      cache_creation_input_tokens: 5,
      output_tokens: 1,
    }),
    { inputTokens: 12, outputTokens: 1, cachedInputTokens: 4 },
  ],
  [reporting({ input_tokens: 3 }), { inputTokens: 3 }],
  [reporting({ output_tokens: 1 }), { outputTokens: 1 }],
  [reporting(3), undefined],
  [reporting(undefined, { input_tokens: 3 }), { inputTokens: 3 }],
  [{ type: "custom", kind: "a.b" }, undefined],
  [{ ...reporting({ input_tokens: 3 }), type: "text-start" }, undefined],
];

for (const [part, usage] of USAGES) {
  Deno.test(`aiSdkModel().usage() of ${JSON.stringify(part)}`, () => {
    assertEquals<unknown>(model.usage?.(part as Part), usage);
  });
}

/** What types of errors stand for, by Anthropic, OpenAI and google.rpc.Code. */
const STATUSES: Record<number, string[]> = {
  400: ["invalid_request_error", "INVALID_ARGUMENT"],
  401: ["authentication_error", "UNAUTHENTICATED"],
  402: ["billing_error"],
  403: ["permission_error", "PERMISSION_DENIED"],
  404: ["not_found_error", "NOT_FOUND"],
  413: ["request_too_large"],
  429: ["rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"],
  500: ["api_error", "server_error", "INTERNAL"],
  503: ["UNAVAILABLE"],
  504: ["timeout_error", "DEADLINE_EXCEEDED"],
  529: ["overloaded_error"],
};

const circular: { self?: unknown } = {};
circular.self = circular;

const hiding = (value: unknown) =>
  Object.assign(new Error("Type validation failed"), { value });

/** Errors as providers put them into parts, with message and status. */
const ERRORS: [error: unknown, message: string, status?: number][] = [
  ...Object.entries(STATUSES).flatMap(([status, types]) =>
    types.map((type): [object, string, number] => [
      { type, message: "x" },
      "x",
      Number(status),
    ])
  ),
  [{ code: 503, message: "busy" }, "busy", 503],
  [{ code: "429", message: "busy" }, "busy", 429],
  [{ code: 200, status: 502, message: "busy" }, "busy", 502],
  [{ error: { status: "UNAVAILABLE", message: "x" } }, "x", 503],
  [{ type: "error", error: { code: "server_error", message: "x" } }, "x", 500],
  [{ type: "error", code: "server_error", message: "x" }, "x", 500],
  [{ type: "toString", code: 99, message: "x" }, "x"],
  // The codes that `openaiModel` knows.
  [{ error: { code: "context_length_exceeded", message: "x" } }, "x", 400],
  [{ error: { type: "BadRequestError", message: "x" } }, "x", 400],
  [{ error: { code: "invalid_api_key", message: "x" } }, "x", 401],
  [{ error: { code: "Throttling", message: "x" } }, "x", 429],
  [{ error: { code: "server_is_overloaded", message: "x" } }, "x", 503],
  [
    { response: { error: { code: "rate_limit_exceeded", message: "x" } } },
    "x",
    429,
  ],
  [{ message: " ", detail: "slow\ndown" }, "slow down"],
  [{ error: "busy", code: 503 }, "busy", 503],
  ["plain text", "plain text"],
  ['{"error":{"code":503,"message":"x"}}', "x", 503],
  [hiding({ error: { message: "busy", code: 503 } }), "busy", 503],
  [{ odd: true }, '{"odd":true}'],
  [undefined, "undefined"],
  [circular, "the stream has sent an error that cannot be shown"],
];

for (const [error, message, status] of ERRORS) {
  const shown = error === circular
    ? "a circular object"
    : JSON.stringify(error);
  Deno.test(`aiSdkModel().isFinal() throws StreamPartError for the error part ${shown}`, () => {
    const thrown = errorOf({ type: "error", error });
    assertInstanceOf(thrown, StreamPartError);
    assertEquals(
      [thrown.name, thrown.message, thrown.status],
      ["StreamPartError", message, status],
    );
    assertStrictEquals(thrown.cause, error);
  });
}

Deno.test("StreamPartError has the code of the error object, and how long the provider asks to wait", () => {
  const busy = {
    code: 429,
    message: "slow",
    details: [{ "@type": "RetryInfo", retryDelay: "39s" }],
  };
  const cases: [error: unknown, code?: string | number, wait?: number][] = [
    [{ error: { code: "content_filter", message: "x" } }, "content_filter"],
    [{ error: busy }, 429, 39_000],
    [hiding({ error: busy }), 429, 39_000],
    ["busy"],
  ];
  for (const [error, code, wait] of cases) {
    const thrown = errorOf({ type: "error", error }) as StreamPartError;
    assertEquals([thrown.code, thrown.retryAfterMs], [code, wait]);
  }
});

Deno.test("aiSdkModel().isFinal() throws the Error of an error part, unless it hides an error of the server", () => {
  const errors = ["busy", {}, { code: 503 }, undefined].map(hiding);
  const named = { status: 400 };
  errors.push(Object.assign(hiding({ message: "busy" }), named));
  for (const error of errors) {
    assertStrictEquals(errorOf({ type: "error", error }), error);
  }
});

testSdk(
  "streamText() reports the StreamPartError of an error part",
  async (sdk) => {
    const error = { type: "overloaded_error", message: "Overloaded" };
    const part: Part = { type: "error", error };
    const errors: unknown[] = [];
    const result = sdk.ai.streamText({
      model: chainOf(sdk, [[...OPENING, delta("Hel"), part]]),
      prompt: "Hi",
      onError: ({ error }) => void errors.push(error),
    });
    await result.consumeStream();
    const [thrown] = errors;
    assertInstanceOf(thrown, StreamPartError);
    assertStrictEquals(thrown.cause, error);
    assertEquals(attemptsOf(thrown).map(({ outcome }) => outcome), [
      "interrupted",
    ]);
    assertEquals(hasStatus(529)(thrown), true);
  },
);

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

/** Contents and finish reasons of whole answers, and the error that they are. */
const WHOLE: [
  content: object,
  unified: string,
  raw: string | undefined,
  error?: new (...args: never[]) => Error,
][] = [
  [{ type: "reasoning", text: "Hm" }, "stop", "stop"],
  [{ type: "reasoning", text: "" }, "stop", "stop", EmptyStreamError],
  [{ type: "text", text: "Hi" }, "other", undefined],
  [{ type: "text", text: "Hi" }, "interrupted", "x", TruncatedStreamError],
  [{ type: "text", text: "Hi" }, "error", "x", StreamPartError],
];

for (const [content, unified, raw, error] of WHOLE) {
  testSdk(
    `doGenerate() ${
      error ? `fails with ${error.name}` : "succeeds"
    } on ${unified} after ${JSON.stringify(content)}`,
    async (sdk) => {
      const answered = {
        content: [content],
        finishReason: { unified, raw },
        usage: {},
        warnings: [],
      };
      const model = fallbackLanguageModel([{
        ...scripted(sdk, "a", []),
        doGenerate: () => Promise.resolve(answered as never),
      }]);
      const outcome = await model.doGenerate(REQUEST).then(
        ({ content }) => content,
        ({ errors }: AggregateError) => errors[0].constructor,
      );
      assertEquals<unknown>(outcome, error ?? [content]);
    },
  );
}

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
