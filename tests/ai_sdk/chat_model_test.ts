// `chatModel()`: language models of the AI SDK with chat-completions requests.

import {
  fallbackStream,
  mapModel,
  TruncatedStreamError,
  usageOf,
} from "@fallback/stream";
import { chatModel, type ChatWarning } from "@fallback/stream/ai-sdk";
import {
  type ChatChunk,
  type ChatRequest,
  openaiModel,
} from "@fallback/stream/openai";
import { fakeProvider, type Script, wire } from "@fallback/stream/testing";
import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import {
  answer,
  delta,
  finish,
  OPENING,
  type Part,
  type Request,
  scripted,
  type Sdk,
  sdk6,
  sdk7,
  START,
  STOP,
  testSdk,
} from "./_sdk.ts";

const MESSAGES = [{ role: "user", content: "Hi" }];
const PIXEL = "data:image/png;base64,AQID";

/** Calls a model through `chatModel()`, and returns what it sent and what it got. */
async function callChatModel(
  sdk: Sdk,
  request: ChatRequest,
  script: Script<Part> = answer("Hello"),
  supportedUrls: Record<string, RegExp[]> = {},
) {
  const warnings: ChatWarning[] = [];
  const inner = scripted(sdk, "m", script, { supportedUrls });
  const model = chatModel(inner, {
    onWarning: (warning) => void warnings.push(warning),
  });
  const chunks: ChatChunk[] = [];
  let error: unknown;
  try {
    await using stream = await fallbackStream([model], request, {
      fallbackOn: () => false,
    });
    for await (const chunk of stream) chunks.push(chunk);
  } catch (thrown) {
    error = thrown;
  }
  const sent: Request | undefined = inner.requests[0];
  return { chunks, warnings, sent: sent!, error };
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
  "chatModel() omits the usage when include_usage is false",
  async (sdk) => {
    const { chunks } = await callChatModel(sdk, {
      messages: MESSAGES,
      stream_options: { include_usage: false },
    });
    assertEquals(chunks.filter(({ usage }) => usage), []);
  },
);

testSdk(
  "chatModel() delivers several tool calls, whole or in pieces",
  async (sdk) => {
    const { chunks } = await callChatModel(sdk, { messages: MESSAGES }, [
      START,
      { type: "reasoning-delta", id: "r", delta: "Hm" },
      { type: "tool-input-start", id: "1", toolName: "look" },
      { type: "tool-input-start", id: "2", toolName: "find" },
      { type: "tool-input-delta", id: "1", delta: '{"a":' },
      { type: "tool-input-delta", id: "2", delta: "{}" },
      { type: "tool-input-delta", id: "1", delta: "1}" },
      {
        type: "tool-call",
        toolCallId: "1",
        toolName: "look",
        input: '{"a":1}',
      },
      { type: "tool-call", toolCallId: "2", toolName: "find", input: "{}" },
      { type: "tool-call", toolCallId: "3", toolName: "go", input: "{}" },
      finish("tool-calls"),
    ]);
    const calls: { id?: string; name?: string; input: string }[] = [];
    for (const delta of deltas(chunks)) {
      for (const { index, id, function: call } of delta?.tool_calls ?? []) {
        const open = calls[index!] ??= { input: "" };
        if (id) Object.assign(open, { id, name: call?.name });
        open.input += call?.arguments ?? "";
      }
    }
    assertEquals(calls, [
      { id: "1", name: "look", input: '{"a":1}' },
      { id: "2", name: "find", input: "{}" },
      { id: "3", name: "go", input: "{}" },
    ]);
    assertEquals(deltas(chunks)[0]?.reasoning_content, "Hm");
    assertEquals(chunks.at(-2)?.choices[0]?.finish_reason, "tool_calls");
  },
);

testSdk("chatModel() delivers images and citations", async (sdk) => {
  const bytes = new Uint8Array([1, 2, 3]);
  const data = sdk === sdk7 ? { type: "data", data: bytes } : bytes;
  const { chunks } = await callChatModel(sdk, { messages: MESSAGES }, [
    START,
    { type: "file", mediaType: "image/png", data } as Part,
    { type: "source", sourceType: "url", id: "s", url: "https://h/" },
    STOP,
  ]);
  assertEquals(deltas(chunks).slice(0, 2), [
    {
      role: "assistant",
      images: [{ type: "image_url", image_url: { url: PIXEL }, index: 0 }],
    },
    {
      annotations: [{
        type: "url_citation",
        url_citation: { url: "https://h/", title: "https://h/" },
      }],
    },
  ]);
});

testSdk("chatModel() converts all kinds of messages", async (sdk) => {
  const { sent, error } = await callChatModel(sdk, {
    messages: [
      { role: "developer", content: "Be brief" },
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: PIXEL } },
          { type: "file", file: { filename: "a.pdf", file_data: "AQID" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id: "1",
            type: "function",
            function: { name: "look", arguments: '{"a":1}' },
          },
          { id: "2", type: "function", function: { name: "b", arguments: "" } },
        ],
      },
      { role: "tool", tool_call_id: "1", content: "sunny" },
      { role: "tool", tool_call_id: "2", content: "warm" },
    ],
  });
  assertEquals(error, undefined);
  const boxed = sdk === sdk7 ? { type: "data", data: "AQID" } : "AQID";
  assertEquals(sent.prompt as unknown, [
    { role: "system", content: "Be brief" },
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "file", mediaType: "image/png", data: boxed },
        {
          type: "file",
          mediaType: "application/pdf",
          filename: "a.pdf",
          data: boxed,
        },
      ],
    },
    {
      role: "assistant",
      content: [
        {
          type: "tool-call",
          toolCallId: "1",
          toolName: "look",
          input: { a: 1 },
        },
        { type: "tool-call", toolCallId: "2", toolName: "b", input: {} },
      ],
    },
    {
      role: "tool",
      content: [
        {
          type: "tool-result",
          toolCallId: "1",
          toolName: "look",
          output: { type: "text", value: "sunny" },
        },
        {
          type: "tool-result",
          toolCallId: "2",
          toolName: "b",
          output: { type: "text", value: "warm" },
        },
      ],
    },
  ]);
});

testSdk("chatModel() converts settings, tools and formats", async (sdk) => {
  const schema = { type: "object", properties: {} };
  const { sent, warnings } = await callChatModel(sdk, {
    messages: MESSAGES,
    model: "ignored",
    stream: true,
    max_tokens: 5,
    max_completion_tokens: 9,
    temperature: 0,
    top_p: 0.5,
    stop: "END",
    seed: 1,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    n: 1,
    user: null,
    tools: [{
      type: "function",
      function: { name: "look", parameters: schema, strict: true },
    }],
    tool_choice: { type: "function", function: { name: "look" } },
    response_format: {
      type: "json_schema",
      json_schema: { name: "person", schema },
    },
    providerOptions: { own: { fast: true } },
  });
  const { prompt: _, abortSignal: __, headers: ___, ...rest } = sent;
  assertEquals(JSON.parse(JSON.stringify(rest)), {
    maxOutputTokens: 9,
    temperature: 0,
    topP: 0.5,
    stopSequences: ["END"],
    seed: 1,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    tools: [{
      type: "function",
      name: "look",
      inputSchema: schema,
      strict: true,
    }],
    toolChoice: { type: "tool", toolName: "look" },
    responseFormat: { type: "json", schema, name: "person" },
    providerOptions: { own: { fast: true } },
  });
  assertEquals(warnings, []);
});

/** Fields of chat-completions that language models do not support. */
const OMITTED: Record<string, unknown> = {
  audio: { voice: "a", format: "mp3" },
  logit_bias: { 1: 2 },
  logprobs: true,
  metadata: { a: "b" },
  modalities: ["text"],
  parallel_tool_calls: false,
  prediction: { type: "content", content: "a" },
  prompt_cache_key: "k",
  safety_identifier: "s",
  service_tier: "flex",
  store: true,
  top_logprobs: 2,
  user: "u",
  verbosity: "low",
  web_search_options: {},
  something_new: 1,
};

testSdk("chatModel() reports every field that it omits", async (sdk) => {
  const { warnings, error } = await callChatModel(sdk, {
    messages: [{ ...MESSAGES[0]!, name: "ann" }],
    ...OMITTED,
  });
  assertEquals(error, undefined);
  assertEquals(warnings.map(({ field }) => field), [
    ...Object.keys(OMITTED),
    "messages[0].name",
  ]);
});

const image = (url: string) => ({
  messages: [{
    role: "user",
    content: [{ type: "image_url", image_url: { url } }],
  }],
});

const REJECTED: [request: ChatRequest, message: string][] = [
  [{ messages: MESSAGES, n: 2 }, "'request.n' must be 1"],
  [{ messages: MESSAGES, functions: [] }, "use 'tools'"],
  [
    { messages: MESSAGES, tools: [{ type: "custom" }] },
    "'request.tools[0].type'",
  ],
  [{ messages: MESSAGES, tool_choice: "any" }, "'request.tool_choice'"],
  [
    { messages: MESSAGES, temperature: "0" },
    "'request.temperature' must be a number",
  ],
  [
    { messages: [{ role: "function", content: "" }] },
    "'request.messages[0].role'",
  ],
  [
    { messages: [{ role: "tool", tool_call_id: "9", content: "" }] },
    "the id of a tool call",
  ],
  [{ messages: "Hi" as never }, "'request.messages' must be an array"],
  [image("https://host/a.png"), "that m fetches itself, or a data: URL"],
  [image("file:///etc/passwd"), "a data:, http: or https: URL"],
  [{
    messages: [{
      role: "user",
      content: [{ type: "file", file: { file_id: "f" } }],
    }],
  }, "only its own provider knows the file"],
];

testSdk(
  "chatModel() rejects requests that it cannot convert, without calling the model",
  async (sdk) => {
    for (const [request, message] of REJECTED) {
      const { error, sent } = await callChatModel(sdk, request);
      assertInstanceOf(error, TypeError, message);
      assertStringIncludes(error.message, message);
      assertEquals(sent, undefined);
    }
  },
);

testSdk("chatModel() passes on a URL that the model supports", async (sdk) => {
  const url = "https://host/a.png";
  const { sent } = await callChatModel(sdk, image(url), undefined, {
    "image/*": [/^https:\/\/host\//],
  });
  assertStringIncludes(JSON.stringify(sent.prompt), url);
});

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

Deno.test("chatModel() passes on reasoning_effort in v4, and reports it in v3", async () => {
  const request = { messages: MESSAGES, reasoning_effort: "low" };
  const v4 = await callChatModel(sdk7, request);
  assertEquals([v4.sent.reasoning, v4.warnings], ["low", []]);
  const v3 = await callChatModel(sdk6, request);
  assertEquals(v3.warnings.map(({ field }) => field), ["reasoning_effort"]);
});

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
