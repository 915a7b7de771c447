// `chatModel()`: language models of the AI SDK with chat-completions requests.

import {
  fallbackStream,
  mapModel,
  TruncatedStreamError,
  usageOf,
} from "@fallback/stream";
import {
  chatModel,
  type ChatWarning,
  StreamPartError,
} from "@fallback/stream/ai-sdk";
import {
  type ChatChunk,
  type ChatRequest,
  openaiModel,
} from "@fallback/stream/openai";
import { fakeProvider, type Script, wire } from "@fallback/stream/testing";
import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  answer,
  delta,
  finish,
  OPENING,
  type Part,
  scripted,
  type Sdk,
  sdk7,
  START,
  STOP,
  testSdk,
} from "./_sdk.ts";

const MESSAGES = [{ role: "user", content: "Hi" }];

/** Calls a model through `chatModel()`, and returns what it sent and what it got. */
async function callChatModel(
  sdk: Sdk,
  request: ChatRequest,
  script: Script<Part> = answer("Hello"),
) {
  const inner = scripted(sdk, "m", script);
  const chunks: ChatChunk[] = [];
  let error: unknown;
  try {
    await using stream = await fallbackStream([chatModel(inner)], request, {
      fallbackOn: () => false,
    });
    for await (const chunk of stream) chunks.push(chunk);
  } catch (thrown) {
    error = thrown;
  }
  return { chunks, sent: inner.requests[0], error };
}

const deltas = (chunks: readonly ChatChunk[]) =>
  chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));

testSdk("chatModel() delivers text, finish_reason and usage", async (sdk) => {
  const { chunks } = await callChatModel(sdk, { messages: MESSAGES }, [
    START,
    { type: "response-metadata", id: "r", timestamp: new Date(5_000) },
    ...answer("Hel", "lo").slice(1),
  ]);
  assertEquals(deltas(chunks), [
    { role: "assistant", content: "Hel" },
    { content: "lo" },
    {},
  ]);
  assertEquals(chunks.map(({ choices }) => choices[0]?.finish_reason), [
    null,
    null,
    "stop",
    undefined,
  ]);
  assertEquals(chunks.at(-1), {
    id: "r",
    object: "chat.completion.chunk",
    created: 5,
    model: "m",
    choices: [],
    usage: {
      prompt_tokens: 3,
      completion_tokens: 5,
      total_tokens: 8,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  });
});

testSdk(
  "chatModel() sends the converted request with its own options",
  async (sdk) => {
    const inner = scripted(sdk, "m", answer("Hello"));
    const model = chatModel(inner, {
      name: "own",
      settings: { temperature: 0 },
      providerOptions: { own: { fast: true } },
    });
    assertEquals(
      [model.name, model.modelId, model.provider],
      ["own", "m", "fake"],
    );
    await using stream = await fallbackStream([model], {
      messages: MESSAGES,
      temperature: 1,
      top_p: 0.5,
      providerOptions: { own: { seed: 1 } },
    });
    await Array.fromAsync(stream);
    const { abortSignal, ...sent } = inner.requests[0]!;
    assertInstanceOf(abortSignal, AbortSignal);
    assertEquals(JSON.parse(JSON.stringify(sent)), {
      prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      temperature: 0,
      topP: 0.5,
      headers: {},
      providerOptions: { own: { seed: 1, fast: true } },
    });
  },
);

testSdk(
  "chatModel() reports what it does not pass on, with the name of the model",
  async (sdk) => {
    const warnings: ChatWarning[] = [];
    const warning = { type: "other", message: "No" } as const;
    const model = chatModel(
      scripted(sdk, "m", [
        { type: "stream-start", warnings: [warning] },
        ...answer("Hello"),
      ]),
      {
        name: "own",
        onWarning: (warning) => {
          warnings.push(warning);
          throw new Error("ignored");
        },
      },
    );
    await using stream = await fallbackStream([model], {
      messages: [{ role: "user", content: "Hi", name: "ann" }],
    });
    await Array.fromAsync(stream);
    const field = "messages[0].name";
    assertEquals(warnings, [
      { model: "own", field, message: `'${field}' is not passed on` },
      { model: "own", message: "No" },
    ]);
  },
);

testSdk(
  "chatModel() rejects a request that it cannot convert, without calling the model",
  async (sdk) => {
    const request = { messages: MESSAGES, n: 2 };
    const { error, sent } = await callChatModel(sdk, request);
    assertInstanceOf(error, TypeError);
    assertEquals(sent, undefined);
  },
);

testSdk(
  "chatModel() fails on a truncated stream and on an error part",
  async (sdk) => {
    const truncated = {
      ...STOP,
      finishReason: { unified: "other", raw: undefined },
    };
    const first = await callChatModel(sdk, { messages: MESSAGES }, [
      ...OPENING,
      delta("Hel"),
      truncated as Part,
    ]);
    assertInstanceOf(first.error, TruncatedStreamError);
    assertEquals(deltas(first.chunks).length, 1);
    const second = await callChatModel(sdk, { messages: MESSAGES }, [
      START,
      { type: "error", error: { type: "overloaded_error", message: "busy" } },
    ]);
    assertInstanceOf(second.error, Error);
    assertEquals(second.error.message, "busy");
  },
);

Deno.test("openaiModel(), chatModel() and mapModel() form one chain without a cast", async () => {
  interface OllamaChunk {
    readonly message: { readonly content: string };
    readonly done: boolean;
    readonly eval_count?: number;
  }
  const { fetch } = fakeProvider([wire.status(529)]);
  const llama = mapModel({
    name: "llama",
    async *stream(_: { messages: ChatRequest["messages"] }) {
      yield { message: { content: "Hi" }, done: false } as OllamaChunk;
      yield { message: { content: "" }, done: true, eval_count: 2 };
    },
    isContent: ({ message }) => message.content !== "",
    isFinal: ({ done }) => done,
    usage: ({ eval_count }) => ({ outputTokens: eval_count }),
  }, {
    request: ({ messages }: ChatRequest) => ({ messages }),
    chunk: ({ message, done }): ChatChunk => ({
      choices: [{
        delta: { content: message.content },
        finish_reason: done ? "stop" : null,
      }],
    }),
  });
  await using stream = await fallbackStream([
    openaiModel({ model: "gpt", fetch }),
    chatModel(scripted(sdk7, "claude", [START, finish("content-filter")])),
    llama,
  ], { messages: MESSAGES });
  const chunks = await Array.fromAsync(stream);
  assertEquals(deltas(chunks)[0]?.content, "Hi");
  assertEquals(stream.model, "llama");
  assertEquals(usageOf(stream.attempts).outputTokens, 7);
});

testSdk(
  "chatModel() fails with the status 400 if a filter has withheld the whole answer, as openaiModel() does",
  async (sdk) => {
    const filtered = finish("content-filter");
    const call = (...before: Part[]) =>
      callChatModel(sdk, { messages: MESSAGES }, [...before, filtered]);
    const { error } = await call(START);
    assertInstanceOf(error, StreamPartError);
    assertEquals([error.message, error.status, error.code], [
      "The answer was filtered: it has no content",
      400,
      "content_filter",
    ]);
    const { chunks } = await call(...OPENING, delta("Hel"));
    assertEquals(chunks.at(-2)?.choices[0]?.finish_reason, "content_filter");
  },
);
