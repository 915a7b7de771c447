// What the parts of an answer become, part by part.

import { virtualTime } from "@fallback/stream/testing";
import { assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { ChatChunkMapper } from "../../src/ai_sdk/_chat_chunks.ts";
import type { Warn } from "../../src/ai_sdk/_chat_fields.ts";

type Part = Parameters<ChatChunkMapper["map"]>[0];

function convert(parts: readonly object[], request: object = {}) {
  const warnings: Parameters<Warn>[] = [];
  const mapper = new ChatChunkMapper(
    "m",
    { messages: [], ...request },
    (...warning) => void warnings.push(warning),
  );
  const chunks = parts.flatMap((part) => mapper.map(part as Part));
  return { chunks, warnings };
}

const file = (mediaType: string, data: unknown) => ({
  type: "file",
  mediaType,
  data,
});
const source = (fields: object) => ({
  type: "source",
  sourceType: "url",
  id: "s",
  url: "https://h/",
  ...fields,
});
const toolCall = (toolCallId: string, input: unknown) => ({
  type: "tool-call",
  toolCallId,
  toolName: "look",
  input,
});
const open = (index: number, id: string, name: string, text = "") => ({
  tool_calls: [{
    index,
    id,
    type: "function",
    function: { name, arguments: text },
  }],
});
const input = (index: number, text: string) => ({
  tool_calls: [{ index, function: { arguments: text } }],
});
const image = (index: number, url: string) => ({
  images: [{ type: "image_url", image_url: { url }, index }],
});
const bytes = new Uint8Array([1, 2, 3]);

/** Parts, and the deltas of their chunks. */
const DELTAS: Record<string, [parts: object[], deltas: object[]]> = {
  "text and reasoning": [
    [
      { type: "text-start", id: "t" },
      { type: "reasoning-delta", id: "r", delta: "Hm" },
      { type: "text-delta", id: "t", delta: "Hi" },
      { type: "custom", kind: "a.b" },
    ],
    [{ reasoning_content: "Hm" }, { content: "Hi" }],
  ],
  "calls in pieces": [
    [
      { type: "tool-input-start", id: "1", toolName: "look" },
      { type: "tool-input-start", id: "2", toolName: "find" },
      { type: "tool-input-delta", id: "2", delta: "{}" },
      { type: "tool-input-delta", id: "1", delta: '{"a"' },
      { type: "tool-input-delta", id: "1", delta: "" },
      { type: "tool-input-delta", id: "1", delta: ":" },
      { type: "tool-input-delta", id: "9", delta: "never" },
      toolCall("2", "{}"),
      toolCall("1", '{"a":1}'),
    ],
    [
      open(0, "1", "look"),
      open(1, "2", "find"),
      input(1, "{}"),
      input(0, '{"a"'),
      input(0, ":"),
      input(0, "1}"),
    ],
  ],
  "whole calls": [
    [toolCall("1", '{"a":1}'), toolCall("2", { a: 1 })],
    [open(0, "1", "look", '{"a":1}'), open(1, "2", "look", '{"a":1}')],
  ],
  "a call with another input than its pieces": [
    [
      { type: "tool-input-start", id: "1", toolName: "look" },
      { type: "tool-input-delta", id: "1", delta: "}" },
      toolCall("1", "{}"),
    ],
    [open(0, "1", "look"), input(0, "}")],
  ],
  "images": [
    [
      file("image/png", bytes),
      file("image/png", "AQID"),
      file("image/png", { type: "data", data: bytes }),
      file("image/png", { type: "url", url: new URL("https://h/a") }),
    ],
    [
      image(0, "data:image/png;base64,AQID"),
      image(1, "data:image/png;base64,AQID"),
      image(2, "data:image/png;base64,AQID"),
      image(3, "https://h/a"),
    ],
  ],
  "audio and other files": [
    [
      { type: "response-metadata", id: "a" },
      file("audio/wav", bytes),
      file("audio/wav", { type: "url", url: new URL("https://h/a") }),
      file("application/pdf", bytes),
    ],
    [
      { audio: { id: "a", data: "AQID" } },
      { files: [{ type: "file", file: { file_data: "https://h/a" } }] },
      {
        files: [{
          type: "file",
          file: { file_data: "data:application/pdf;base64,AQID" },
        }],
      },
    ],
  ],
  "sources": [
    [source({}), source({ title: "A" })],
    ["https://h/", "A"].map((title) => ({
      annotations: [{
        type: "url_citation",
        url_citation: { url: "https://h/", title },
      }],
    })),
  ],
};

for (const [name, [parts, deltas]] of Object.entries(DELTAS)) {
  Deno.test(`chatModel() delivers ${name}`, () => {
    const { chunks, warnings } = convert(parts);
    assertEquals(
      chunks.map(({ choices }) => choices) as unknown,
      deltas.map((delta, i) => [{
        index: 0,
        delta: i === 0 ? { role: "assistant", ...delta } : delta,
        finish_reason: null,
      }]),
    );
    assertEquals(warnings, []);
  });
}

Deno.test("chatModel() makes the id and time of its chunks, until the provider names them", async () => {
  await virtualTime(async () => {
    await delay(1_000_500);
    const { chunks } = convert([
      { type: "text-delta", id: "t", delta: "A" },
      { type: "response-metadata" },
      { type: "response-metadata", timestamp: new Date(NaN) },
      { type: "text-delta", id: "t", delta: "B" },
      {
        type: "response-metadata",
        id: "r",
        modelId: "m-2026",
        timestamp: new Date(2_000_500),
      },
      { type: "text-delta", id: "t", delta: "C" },
    ]);
    const object = "chat.completion.chunk";
    const id = chunks[0]?.id;
    assertMatch(id!, /^chatcmpl-[0-9a-f-]{36}$/);
    assertEquals<unknown>(chunks.map(({ choices: _, ...rest }) => rest), [
      { id, object, created: 1000, model: "m" },
      { id, object, created: 1000, model: "m" },
      { id: "r", object, created: 2000, model: "m-2026" },
    ]);
  });
});

/** Finish reasons of a language model and of the protocol. */
const REASONS: [unified: string, raw: string | undefined, reason: string][] = [
  ["stop", "end_turn", "stop"],
  ["length", "max_tokens", "length"],
  ["content-filter", "SAFETY", "content_filter"],
  ["tool-calls", "tool_use", "tool_calls"],
  ["other", "pause", "pause"],
  ["other", undefined, "other"],
];

for (const [unified, raw, reason] of REASONS) {
  Deno.test(`chatModel() delivers the finish reason ${unified} (${raw}) as ${reason}`, () => {
    const { chunks } = convert([{
      type: "finish",
      finishReason: { unified, raw },
    }]);
    assertEquals(chunks.map(({ choices }) => choices), [[
      { index: 0, delta: {}, finish_reason: reason },
    ]]);
  });
}

/** The usage of a finish part and of a chunk. */
const USAGES: [usage: object, delivered: object | undefined][] = [
  [{}, undefined],
  [{ totalTokens: 9 }, undefined],
  [{ inputTokens: { total: 3 } }, { prompt_tokens: 3 }],
  [{ outputTokens: { total: 5 } }, { completion_tokens: 5 }],
  [
    {
      inputTokens: { total: 3, cacheRead: 0 },
      outputTokens: { total: 5, reasoning: 4 },
    },
    {
      prompt_tokens: 3,
      completion_tokens: 5,
      total_tokens: 8,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 4 },
    },
  ],
  [
    { inputTokens: 3, outputTokens: 5, totalTokens: 9 },
    { prompt_tokens: 3, completion_tokens: 5, total_tokens: 9 },
  ],
];

for (const [usage, delivered] of USAGES) {
  Deno.test(`chatModel() delivers the usage ${JSON.stringify(usage)} unless include_usage is false`, () => {
    const finishReason = { unified: "stop", raw: "stop" };
    for (const include_usage of [undefined, true, false]) {
      const { chunks: [end, ...others] } = convert(
        [{ type: "finish", finishReason, usage }],
        { stream_options: { include_usage } },
      );
      const isDelivered = delivered && include_usage !== false;
      assertEquals<unknown>(
        others,
        isDelivered ? [{ ...end!, choices: [], usage: delivered }] : [],
      );
    }
  });
}

const providerExecuted = true;

/** Parts of a kind that cannot be a chunk. */
const LEFT_OUT: Record<string, object[]> = {
  "tool-call of the provider": [
    { type: "tool-input-start", id: "1", providerExecuted },
    { ...toolCall("1", ""), providerExecuted },
  ],
  "tool-result": [{ type: "tool-result", toolCallId: "1" }],
  "tool-approval-request": [{ type: "tool-approval-request", toolCallId: "1" }],
  "reasoning-file": [{ ...file("image/png", bytes), type: "reasoning-file" }],
  "source document": [source({ sourceType: "document" })],
};

for (const [kind, parts] of Object.entries(LEFT_OUT)) {
  Deno.test(`chatModel() reports a ${kind} part once, and does not deliver it`, () => {
    for (const order of [[...parts, ...parts], parts.toReversed()]) {
      const { chunks, warnings } = convert(order);
      assertEquals(chunks, []);
      assertEquals(warnings, [
        [`A ${kind} part of the answer cannot be a chunk`, kind],
      ]);
    }
  });
}

Deno.test("chatModel() reports the warnings of the provider", () => {
  const { chunks, warnings } = convert([
    { type: "stream-start" },
    {
      type: "stream-start",
      warnings: [
        { type: "unsupported", feature: "seed", details: "not\nyet" },
        { type: "unsupported", feature: "seed" },
        { type: "other", message: "no", details: "never" },
        { type: "other", feature: 5 },
      ],
    },
  ]);
  assertEquals(chunks, []);
  assertEquals(warnings, [
    ["seed: not yet", "seed"],
    ["seed", "seed"],
    ["no", undefined],
    ["other", undefined],
  ]);
});
