// What a chat-completions request becomes, field by field.

import { assertEquals, assertRejects } from "@std/assert";
import { toCallOptions } from "../../src/ai_sdk/_chat_request.ts";
import type { LanguageModelV4 } from "../../src/ai_sdk/specification.ts";
import type { ChatRequest } from "../../src/openai/mod.ts";

const model = {
  specificationVersion: "v4",
  modelId: "m",
  supportedUrls: Promise.resolve({ "image/*": [/^https:\/\/host\//] }),
} as unknown as LanguageModelV4;

async function convert(fields: object) {
  const warnings: string[] = [];
  const options = await toCallOptions(
    { messages: [], ...fields } as ChatRequest,
    model,
    (message) => void warnings.push(message),
  );
  return { options, warnings };
}

/** Messages in the form of the protocol, and of a prompt. */
const MESSAGES: Record<string, [given: object, converted: object]> = {
  "a system message in parts": [
    {
      role: "developer",
      content: [{ type: "text", text: "Be " }, { type: "text", text: "brief" }],
    },
    { role: "system", content: "Be brief" },
  ],
  "a refusal in parts": [
    {
      role: "assistant",
      content: [{ type: "text", text: "A" }, { type: "refusal", refusal: "B" }],
    },
    { role: "assistant", content: [{ type: "text", text: "AB" }] },
  ],
  "a refusal as a field": [
    { role: "assistant", content: null, refusal: "No" },
    { role: "assistant", content: [{ type: "text", text: "No" }] },
  ],
  "reasoning before text": [
    { role: "assistant", content: "A", reasoning: "Hm" },
    {
      role: "assistant",
      content: [{ type: "reasoning", text: "Hm" }, { type: "text", text: "A" }],
    },
  ],
  "a URL that the model fetches": [
    {
      role: "user",
      content: [{ type: "image_url", image_url: { url: "https://host/a" } }],
    },
    {
      role: "user",
      content: [{
        type: "file",
        mediaType: "image/*",
        data: { type: "url", url: new URL("https://host/a") },
      }],
    },
  ],
  "data without a media type": [
    {
      role: "user",
      content: [{ type: "file", file: { file_data: "data:,Hi" } }],
    },
    {
      role: "user",
      content: [{
        type: "file",
        mediaType: "text/plain",
        data: { type: "data", data: "SGk=" },
      }],
    },
  ],
};

for (const [name, [given, converted]] of Object.entries(MESSAGES)) {
  Deno.test(`chatModel() converts ${name}`, async () => {
    const { options, warnings } = await convert({ messages: [given] });
    assertEquals(options.prompt as unknown, [converted]);
    assertEquals(warnings, []);
  });
}

/** Fields of a request, and of the options of a call. */
const FIELDS: [given: object, converted: object][] = [
  ...["auto", "none", "required"].map((type): [object, object] => [
    { tool_choice: type },
    { toolChoice: { type } },
  ]),
  [{ response_format: { type: "text" } }, { responseFormat: { type: "text" } }],
  [
    { response_format: { type: "json_object" } },
    { responseFormat: { type: "json" } },
  ],
  [
    {
      response_format: {
        type: "json_schema",
        json_schema: { description: "A person" },
      },
    },
    { responseFormat: { type: "json", description: "A person" } },
  ],
  [
    { tools: [{ type: "function", function: { name: "look" } }] },
    {
      tools: [{
        type: "function",
        name: "look",
        inputSchema: { type: "object", properties: {} },
      }],
    },
  ],
  [{ top_k: 4, max_tokens: 9 }, { topK: 4, maxOutputTokens: 9 }],
];

for (const [given, converted] of FIELDS) {
  Deno.test(`chatModel() converts ${JSON.stringify(given)}`, async () => {
    const { options, warnings } = await convert(given);
    assertEquals(options as unknown, { ...converted, prompt: [] });
    assertEquals(warnings, []);
  });
}

/** What is refused, and with which message. */
const REFUSED: [given: object, message: string][] = [
  [
    { response_format: { type: "xml" } },
    `'request.response_format.type' must be "text", "json_object" or "json_schema": current value is "xml"`,
  ],
  [
    { tool_choice: "any" },
    `'request.tool_choice' must be "auto", "none", "required" or a function by its name: current value is "any"`,
  ],
  [
    { function_call: "auto" },
    `'request.function_call' must be absent: use 'tool_choice': current value is "auto"`,
  ],
  [
    { stop: [1] },
    "'request.stop[0]' must be a string: current value is 1",
  ],
  [
    { messages: [{ role: "system", content: [{ type: "image_url" }] }] },
    `'request.messages[0].content[0].type' must be "text": current value is "image_url"`,
  ],
  [
    {
      messages: [{
        role: "assistant",
        tool_calls: [{ id: "1", function: { name: "a", arguments: "{" } }],
      }],
    },
    `'request.messages[0].tool_calls[0].function.arguments' must be JSON: current value is "{"`,
  ],
];

for (const [given, message] of REFUSED) {
  Deno.test(`chatModel() refuses ${JSON.stringify(given)}`, async () => {
    const error = await assertRejects(() => convert(given), TypeError);
    assertEquals(error.message, message);
  });
}

Deno.test("chatModel() refuses a request that is not an object", async () => {
  const error = await assertRejects(
    () => toCallOptions(null as never, model, () => {}),
    TypeError,
  );
  assertEquals(
    error.message,
    "'request' must be an object: current value is null",
  );
});

Deno.test("chatModel() says which setting it does not pass on", async () => {
  const { warnings } = await convert({
    user: "u",
    response_format: {
      type: "json_schema",
      json_schema: { name: "a", strict: false },
    },
  });
  assertEquals(warnings, [
    "'user' is not passed on: m has no such setting, but its provider may have it among its 'providerOptions'",
    "'response_format.json_schema.strict' is not passed on",
  ]);
});
