// What a chat-completions request becomes, field by field.

import { assertEquals, assertRejects } from "@std/assert";
import type { Warn } from "../../src/ai_sdk/_chat_fields.ts";
import { toCallOptions } from "../../src/ai_sdk/_chat_request.ts";
import type { LanguageModelV4 } from "../../src/ai_sdk/specification.ts";
import type { ChatRequest } from "../../src/openai/mod.ts";

const SUPPORTED_URLS = {
  "image/*": [/^gs:/, /^https:\/\/host\//],
  "application/*": [/^https:\/\/host\//],
  "text/*": [/./],
};

async function convert(
  fields: object,
  { specificationVersion = "v4", supportedUrls = SUPPORTED_URLS as object } =
    {},
) {
  const warnings: Parameters<Warn>[] = [];
  const model = {
    specificationVersion,
    modelId: "m",
    supportedUrls: Promise.resolve(supportedUrls),
  } as unknown as LanguageModelV4;
  const options = await toCallOptions(
    { messages: [], ...fields } as ChatRequest,
    model,
    (...warning) => void warnings.push(warning),
  );
  return { options: options as unknown, warnings };
}

const user = (...content: unknown[]) => ({
  messages: [{ role: "user", content }],
});
const call = (fields: object) => ({
  messages: [{ role: "assistant", tool_calls: [fields] }],
});
const look = { id: "1", function: { name: "look" } };
const called = { role: "assistant", tool_calls: [look] };
const pixel = {
  type: "image_url",
  image_url: { url: "data:image/png;base64,AQID" },
};

/** Messages in the form of the protocol, and of a prompt. */
const MESSAGES: Record<string, [given: object[], converted: object[]]> = {
  "texts": [
    [
      { role: "system", content: "Be brief", name: undefined, audio: null },
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello" },
    ],
    [
      { role: "system", content: "Be brief" },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
      { role: "assistant", content: [{ type: "text", text: "Hello" }] },
    ],
  ],
  "texts in parts": [
    [
      {
        role: "developer",
        content: [
          { type: "text", text: "Be " },
          { type: "text", text: "brief" },
        ],
      },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
    ],
    [
      { role: "system", content: "Be brief" },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
    ],
  ],
  "refusals in parts and as a field": [
    [{
      role: "assistant",
      content: [{ type: "text", text: "A" }, { type: "refusal", refusal: "B" }],
    }, { role: "assistant", content: null, refusal: "No" }],
    [
      { role: "assistant", content: [{ type: "text", text: "AB" }] },
      { role: "assistant", content: [{ type: "text", text: "No" }] },
    ],
  ],
  "reasoning before text": [
    [
      { role: "assistant", content: "A", reasoning: "Hm" },
      { role: "assistant", reasoning_content: "Hm", reasoning: "never" },
      { role: "assistant", reasoning: "" },
      { role: "assistant", reasoning: { effort: "low" } },
    ],
    [
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Hm" },
          { type: "text", text: "A" },
        ],
      },
      { role: "assistant", content: [{ type: "reasoning", text: "Hm" }] },
      { role: "assistant", content: [] },
      { role: "assistant", content: [] },
    ],
  ],
  "images of the assistant": [
    [{
      role: "assistant",
      content: "A",
      images: [pixel, { type: "image_url", image_url: "data:,Hi" }],
    }],
    [{
      role: "assistant",
      content: [
        { type: "text", text: "A" },
        {
          type: "file",
          mediaType: "image/png",
          data: { type: "data", data: "AQID" },
        },
        {
          type: "file",
          mediaType: "text/plain",
          data: { type: "data", data: "SGk=" },
        },
      ],
    }],
  ],
  "tool calls, and the results of one turn as one message": [
    [
      {
        role: "assistant",
        tool_calls: [
          {
            id: "1",
            type: "function",
            function: { name: "look", arguments: '{"a":1}' },
          },
          { id: "2", function: { name: "b", arguments: " " } },
          { id: "3", function: { name: "c" } },
        ],
      },
      { role: "tool", tool_call_id: "2", content: "warm" },
      {
        role: "tool",
        tool_call_id: "1",
        content: [{ type: "text", text: "sun" }, { type: "text", text: "ny" }],
      },
      { role: "assistant", content: "A" },
      { role: "tool", tool_call_id: "3", content: "" },
    ],
    [
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
          { type: "tool-call", toolCallId: "3", toolName: "c", input: {} },
        ],
      },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            toolCallId: "2",
            toolName: "b",
            output: { type: "text", value: "warm" },
          },
          {
            type: "tool-result",
            toolCallId: "1",
            toolName: "look",
            output: { type: "text", value: "sunny" },
          },
        ],
      },
      { role: "assistant", content: [{ type: "text", text: "A" }] },
      {
        role: "tool",
        content: [{
          type: "tool-result",
          toolCallId: "3",
          toolName: "c",
          output: { type: "text", value: "" },
        }],
      },
    ],
  ],
};

for (const [name, [messages, converted]] of Object.entries(MESSAGES)) {
  Deno.test(`chatModel() converts ${name}`, async () => {
    const { options, warnings } = await convert({ messages });
    assertEquals(options, { prompt: converted });
    assertEquals(warnings, []);
  });
}

/** Parts with a file: their media type, data or URL, and file name. */
const FILES: [
  part: object,
  mediaType: string,
  content: string | URL,
  filename?: string,
][] = [
  [pixel, "image/png", "AQID"],
  [
    { type: "image_url", image_url: "DATA:image/PNG ;a=b;BASE64 ,AQ%3D%3D" },
    "image/png",
    "AQ==",
  ],
  [
    {
      type: "image_url",
      image_url: { url: "https://host/a", detail: undefined },
    },
    "image/*",
    new URL("https://host/a"),
  ],
  [
    { type: "input_audio", input_audio: { data: "AQID", format: "mp3" } },
    "audio/mpeg",
    "AQID",
  ],
  [
    { type: "input_audio", input_audio: { data: "AQID", format: "wav" } },
    "audio/wav",
    "AQID",
  ],
  [
    { type: "file", file: { file_data: "data:;charset=utf-8,%41" } },
    "text/plain",
    "QQ==",
  ],
  [
    { type: "file", file: { file_data: "data:a/b,A", filename: "a.pdf" } },
    "a/b",
    "QQ==",
    "a.pdf",
  ],
  [
    { type: "file", file: { file_data: "http://host/b", filename: "a.md" } },
    "text/markdown",
    new URL("http://host/b"),
    "a.md",
  ],
  [
    {
      type: "file",
      file: { file_data: "https://host/b", file_id: null, filename: null },
    },
    "application/octet-stream",
    new URL("https://host/b"),
  ],
  ...Object.entries({
    pdf: "application/pdf",
    txt: "text/plain",
    md: "text/markdown",
    csv: "text/csv",
    json: "application/json",
    html: "text/html",
    png: "image/png",
    jpg: "image/jpeg",
    jpeg: "image/jpeg",
    gif: "image/gif",
    WebP: "image/webp",
  }).map(([extension, mediaType]): [object, string, string, string] => [
    { type: "file", file: { file_data: "AQ", filename: `a.b.${extension}` } },
    mediaType,
    "AQ",
    `a.b.${extension}`,
  ]),
];

/** What a tool's result holds for a file in version 3. */
function resultV3(mediaType: string, content: string | URL) {
  const kind = mediaType.startsWith("image/") ? "image" : "file";
  return typeof content === "string"
    ? { type: `${kind}-data`, data: content, mediaType }
    : { type: `${kind}-url`, url: content.href };
}

for (const [part, mediaType, content, filename] of FILES) {
  Deno.test(`chatModel() converts ${JSON.stringify(part)}`, async () => {
    const text = { type: "text", text: "A" };
    const messages = [{ role: "user", content: [text, part] }, called, {
      role: "tool",
      tool_call_id: "1",
      content: [text, part],
    }];
    const file = {
      type: "file",
      mediaType,
      data: typeof content === "string"
        ? { type: "data", data: content }
        : { type: "url", url: content },
      ...(filename !== undefined && { filename }),
    };
    for (
      const [specificationVersion, inMessage, inResult] of [
        ["v4", file, file],
        ["v3", { ...file, data: content }, resultV3(mediaType, content)],
      ] as const
    ) {
      const { options, warnings } = await convert({ messages }, {
        specificationVersion,
      });
      const { prompt } = options as { prompt: { content: unknown }[] };
      assertEquals(prompt[0]!.content, [text, inMessage]);
      assertEquals(prompt[2]!.content, [{
        type: "tool-result",
        toolCallId: "1",
        toolName: "look",
        output: { type: "content", value: [text, inResult] },
      }]);
      assertEquals(warnings, []);
    }
  });
}

Deno.test("chatModel() passes on a URL whose media type is among the supportedUrls", async () => {
  const request = user({
    type: "image_url",
    image_url: "https://host/a",
  });
  for (const key of ["*", "*/*", "image/*", "IMAGE/*"]) {
    await convert(request, { supportedUrls: { [key]: [/^https:/] } });
  }
  for (const key of ["video/*", "image/png", "mage/*"]) {
    await assertRejects(() =>
      convert(request, { supportedUrls: { [key]: [/^https:/] } })
    );
  }
});

Deno.test("chatModel() converts data of any length", async () => {
  for (const length of [8191, 8192, 8193, 20_000]) {
    const text = Array.from({ length }, (_, i) => String(i % 10)).join("");
    const { options } = await convert(
      user({ type: "image_url", image_url: `data:,${text}` }),
    );
    const { prompt: [{ content: [{ data: { data } }] }] } = options as {
      prompt: [{ content: [{ data: { data: string } }] }];
    };
    assertEquals(atob(data), text);
  }
});

const schema = { type: "object", properties: { a: { type: "string" } } };

/** Fields of a request, and of the options of a call. */
const FIELDS: [given: object, converted: object][] = [
  [
    { model: "ignored", stream: true, stream_options: {}, n: 1, user: null },
    {},
  ],
  [{ temperature: undefined, stop: null, store: false }, {}],
  [
    {
      temperature: 0,
      top_p: 0.5,
      top_k: 4,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      seed: 1,
      reasoning_effort: "low",
      providerOptions: { own: { fast: true } },
    },
    {
      temperature: 0,
      topP: 0.5,
      topK: 4,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 1,
      reasoning: "low",
      providerOptions: { own: { fast: true } },
    },
  ],
  [{ max_tokens: 5 }, { maxOutputTokens: 5 }],
  [{ max_tokens: 5, max_completion_tokens: 9 }, { maxOutputTokens: 9 }],
  [{ max_completion_tokens: 9, max_tokens: 5 }, { maxOutputTokens: 9 }],
  [{ stop: "END" }, { stopSequences: ["END"] }],
  [{ stop: ["A", "B"] }, { stopSequences: ["A", "B"] }],
  ...["auto", "none", "required"].map((type): [object, object] => [
    { tool_choice: type },
    { toolChoice: { type } },
  ]),
  [
    { tool_choice: { type: "function", function: { name: "look" } } },
    { toolChoice: { type: "tool", toolName: "look" } },
  ],
  [{ response_format: { type: "text" } }, { responseFormat: { type: "text" } }],
  [
    { response_format: { type: "json_object" } },
    { responseFormat: { type: "json" } },
  ],
  [
    { response_format: { type: "json_schema", json_schema: {} } },
    { responseFormat: { type: "json" } },
  ],
  [
    {
      response_format: {
        type: "json_schema",
        json_schema: { name: "a", description: "A", schema, strict: true },
      },
    },
    {
      responseFormat: { type: "json", name: "a", description: "A", schema },
    },
  ],
  [
    {
      tools: [
        { type: "function", function: { name: "a", strict: null } },
        {
          type: "function",
          function: {
            name: "b",
            description: "B",
            parameters: schema,
            strict: false,
          },
        },
      ],
    },
    {
      tools: [
        {
          type: "function",
          name: "a",
          inputSchema: { type: "object", properties: {} },
        },
        {
          type: "function",
          name: "b",
          description: "B",
          inputSchema: schema,
          strict: false,
        },
      ],
    },
  ],
];

for (const [given, converted] of FIELDS) {
  Deno.test(`chatModel() converts ${JSON.stringify(given)}`, async () => {
    const { options, warnings } = await convert(given);
    assertEquals(options, { ...converted, prompt: [] });
    assertEquals(warnings, []);
  });
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

/** What is refused, and with which message after `'request.`. */
const REFUSED: [given: object, message: string][] = [
  [
    { n: 2 },
    "n' must be 1, for a language model gives one answer: current value is 2",
  ],
  [
    { functions: [] },
    "functions' must be absent: use 'tools': current value is []",
  ],
  [
    { function_call: "auto" },
    `function_call' must be absent: use 'tool_choice': current value is "auto"`,
  ],
  [{ temperature: "0" }, `temperature' must be a number: current value is "0"`],
  [{ stop: 1 }, "stop' must be an array: current value is 1"],
  [{ stop: ["A", 1] }, "stop[1]' must be a string: current value is 1"],
  [
    { reasoning_effort: 1 },
    "reasoning_effort' must be a string: current value is 1",
  ],
  [
    { providerOptions: [] },
    "providerOptions' must be an object: current value is []",
  ],
  [{ tools: {} }, "tools' must be an array: current value is {}"],
  [{ tools: [null] }, "tools[0]' must be an object: current value is null"],
  [
    { tools: [{ type: "custom" }] },
    `tools[0].type' must be "function": current value is "custom"`,
  ],
  [
    { tools: [{ type: "function" }] },
    "tools[0].function' must be an object: current value is undefined",
  ],
  [
    { tools: [{ type: "function", function: {} }] },
    "tools[0].function.name' must be a string: current value is undefined",
  ],
  ...[
    "any",
    { type: "function", function: {} },
    { type: "tool", function: { name: "look" } },
  ].map((tool_choice): [object, string] => [
    { tool_choice },
    `tool_choice' must be "auto", "none", "required" or a function by its name: current value is ${
      JSON.stringify(tool_choice)
    }`,
  ]),
  [
    { response_format: "json" },
    `response_format' must be an object: current value is "json"`,
  ],
  [
    { response_format: { type: "xml" } },
    `response_format.type' must be "text", "json_object" or "json_schema": current value is "xml"`,
  ],
  [
    { response_format: { type: "json_schema" } },
    "response_format.json_schema' must be an object: current value is undefined",
  ],
  [
    { response_format: { type: "json_schema", json_schema: { schema: [] } } },
    "response_format.json_schema.schema' must be an object: current value is []",
  ],
  [{ messages: "Hi" }, `messages' must be an array: current value is "Hi"`],
  [
    { messages: [null] },
    "messages[0]' must be an object: current value is null",
  ],
  [
    { messages: [{ role: "user", content: "Hi" }, { role: "function" }] },
    `messages[1].role' must be "system", "developer", "user", "assistant" or "tool": current value is "function"`,
  ],
  [
    { messages: [{ role: "system", content: 5 }] },
    "messages[0].content' must be an array: current value is 5",
  ],
  [
    { messages: [{ role: "system", content: [{ type: "image_url" }] }] },
    `messages[0].content[0].type' must be "text": current value is "image_url"`,
  ],
  [
    { messages: [{ role: "system", content: [{ type: "refusal" }] }] },
    "messages[0].content[0].refusal' must be a string: current value is undefined",
  ],
  ...["system", "user"].map((role): [object, string] => [
    { messages: [{ role, content: [{ type: "text", text: 1 }] }] },
    "messages[0].content[0].text' must be a string: current value is 1",
  ]),
  [
    { messages: [{ role: "assistant", images: [null] }] },
    "messages[0].images[0]' must be an object: current value is null",
  ],
  [
    call({ type: "custom" }),
    `messages[0].tool_calls[0].type' must be "function": current value is "custom"`,
  ],
  [
    call({ id: "1", function: { name: "a", arguments: {} } }),
    "messages[0].tool_calls[0].function.arguments' must be a string: current value is {}",
  ],
  [
    call({ id: "1", function: { name: "a", arguments: "{" } }),
    `messages[0].tool_calls[0].function.arguments' must be JSON: current value is "{"`,
  ],
  [
    { messages: [called, { role: "tool", tool_call_id: "9" }] },
    `messages[1].tool_call_id' must be the id of a tool call in a message before it: current value is "9"`,
  ],
  [
    { messages: [called, { role: "tool", tool_call_id: "1" }] },
    "messages[1].content' must be an array: current value is undefined",
  ],
  [
    user({ type: "video" }),
    `messages[0].content[0].type' must be "text", "image_url", "input_audio" or "file": current value is "video"`,
  ],
  ...["file:///etc/passwd", "no URL"].map((url): [object, string] => [
    user({ type: "image_url", image_url: url }),
    `messages[0].content[0].image_url.url' must be a data:, http: or https: URL: current value is "${url}"`,
  ]),
  [
    user({ type: "image_url", image_url: "https://other/a" }),
    `messages[0].content[0].image_url.url' must be a URL that m fetches itself, or a data: URL: current value is "https://other/a"`,
  ],
  [
    user({ type: "image_url", image_url: `data:${LETTERS}` }),
    `messages[0].content[0].image_url.url' must be a data: URL with data: current value is "data:${
      LETTERS.slice(0, 35)
    }"`,
  ],
  [
    user({ type: "image_url", image_url: `data:,%${LETTERS}` }),
    `messages[0].content[0].image_url.url' must be a data: URL that can be decoded: current value is "data:,%${
      LETTERS.slice(0, 33)
    }"`,
  ],
  [
    user({ type: "input_audio", input_audio: { data: "AQ" } }),
    "messages[0].content[0].input_audio.format' must be a string: current value is undefined",
  ],
  [
    user({ type: "file", file: { file_data: LETTERS } }),
    `messages[0].content[0].file.file_data' must be a data: URL: current value is "${
      LETTERS.slice(0, 20)
    }"`,
  ],
  [
    user({ type: "file", file: { file_id: "f" } }),
    `messages[0].content[0].file.file_id' must be absent: only its own provider knows the file, so send 'file_data': current value is "f"`,
  ],
];

for (const [given, message] of REFUSED) {
  Deno.test(`chatModel() refuses ${JSON.stringify(given)}`, async () => {
    const error = await assertRejects(() => convert(given), TypeError);
    assertEquals(error.message, `'request.${message}`);
  });
}

Deno.test("chatModel() refuses a request that is not an object", async () => {
  const error = await assertRejects(
    () => toCallOptions(null as never, {} as never, () => {}),
    TypeError,
  );
  assertEquals(
    error.message,
    "'request' must be an object: current value is null",
  );
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
  enable_thinking: false,
};

Deno.test("chatModel() reports every field that it does not pass on", async () => {
  const strict = "response_format.json_schema.strict";
  const image = (detail: unknown) => ({
    type: "image_url",
    image_url: { url: "data:,Hi", detail },
  });
  const cache_control = { type: "ephemeral" };
  const { warnings } = await convert({
    ...OMITTED,
    background: false,
    reasoning_effort: "low",
    tools: [{
      type: "function",
      function: { name: "f", cache_control },
      cache_control,
    }],
    response_format: { type: "json_schema", json_schema: { strict: false } },
    messages: [
      { role: "user", content: "Hi", name: "ann" },
      { role: "user", content: ["auto", null, undefined, "low"].map(image) },
      { role: "user", content: [{ type: "text", text: "Hi", cache_control }] },
      { role: "user", content: "Hi", images: [], tool_calls: [] },
    ],
  }, { specificationVersion: "v3" });
  assertEquals(warnings, [
    ...Object.keys(OMITTED).map((field): [string, string] => [
      `'${field}' is not passed on: m has no such setting, but its provider may have it among its 'providerOptions'`,
      field,
    ]),
    [
      "'reasoning_effort' is not passed on: language models of specification v3 have it among their 'providerOptions'",
      "reasoning_effort",
    ],
    ...[
      "tools[0].cache_control",
      "tools[0].function.cache_control",
      strict,
      "messages[0].name",
      "messages[1].content[3].image_url.detail",
      "messages[2].content[0].cache_control",
      "messages[3].images",
      "messages[3].tool_calls",
    ].map((path): [string, string] => [`'${path}' is not passed on`, path]),
  ]);
});
