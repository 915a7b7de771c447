import { assert, assertEquals } from "@std/assert";
import { isContent, isFinal, usage } from "@fallback/stream/openai";
import {
  type ChatChunkLike,
  DONE,
  isDoneChunk,
} from "../../src/openai/_chat.ts";

const withDelta = (delta: object) => ({ choices: [{ index: 0, delta }] });

/** Fields that are not a part of the answer, whatever they have. */
const METADATA = [
  ..."role name id index type object created created_at timestamp model".split(
    " ",
  ),
  ..."provider format status signature tool_call_id finish_reason".split(" "),
  ..."stop_reason native_finish_reason end_turn logprobs usage metadata".split(
    " ",
  ),
  ..."provider_specific_fields content_filter_results context".split(" "),
  ..."annotations citations search_results documents error".split(" "),
];

/** Puts a value into lists and objects. */
const nest = (value: unknown, depth: number): unknown =>
  depth === 0 ? value : nest(depth % 2 ? [value] : { value }, depth - 1);

Deno.test("isContent() is true for every kind of content", () => {
  for (
    const delta of [
      { content: "a" },
      { content: "\n" },
      { content: 0 },
      { content: false },
      { content: [{ type: "thinking" }] },
      { content: [{ type: "text", text: "" }, { type: "text", text: "a" }] },
      ...["content", "text", "reasoning", "reasoning_content", "refusal"]
        .flatMap((field) => [{ [field]: "a" }, { [field]: 0 }]),
      { reasoning_details: [{ type: "reasoning.encrypted", data: "a" }] },
      { audio: {} },
      new (class {
        get content() {
          return "a";
        }
      })(),
      { images: [{ image_url: { url: "data:" } }] },
      { tool_calls: [{ index: 0 }] },
      { function_call: { name: "f" } },
      { whatever: { deep: ["a"], empty: "" } },
      { whatever: nest("", 8) },
      { whatever: nest({}, 7) },
    ]
  ) {
    assert(isContent(withDelta(delta)), JSON.stringify(delta));
    const second = { choices: [null, {}, { message: delta }] } as ChatChunkLike;
    assert(isContent(second), JSON.stringify(delta));
  }
});

Deno.test("isContent() is false for roles, empty values, citations and numbers", () => {
  for (
    const delta of [
      {},
      { role: "assistant" },
      { role: "assistant", content: "", refusal: null, tool_calls: [] },
      { reasoning: "", reasoning_content: null, function_call: null },
      { content: [{ type: "text", text: "" }] },
      { reasoning_details: [{ type: "reasoning.text", text: "", index: 0 }] },
      { images: [] },
      { annotations: [{ type: "url_citation", url_citation: { url: "u" } }] },
      { context: { citations: ["a"] } },
      { provider_specific_fields: { refusal: null } },
      { token_count: 3, is_partial: true },
      ...METADATA.flatMap((field) => [
        { [field]: "a" },
        { whatever: [{ [field]: "a" }] },
      ]),
      { content: undefined },
      { content: [{}, { type: "count", count: 1 }] },
      { whatever: [{ type: "a" }] },
      { whatever: nest("", 7) },
      { whatever: nest({}, 6) },
    ]
  ) {
    assert(!isContent(withDelta(delta)), JSON.stringify(delta));
  }
  assert(!isContent({ choices: [] }));
  assert(!isContent({ choices: null }));
  assert(!isContent({ choices: [{ delta: "text" as never }] }));
  assert(!isContent({ choices: [{ finish_reason: "stop" }] }));
});

Deno.test("isFinal() is true for a finish_reason that does not mean failure", () => {
  const chunk = (reason: unknown) => ({ choices: [{ finish_reason: reason }] });
  for (
    const reason of [
      "stop",
      "length",
      "tool_calls",
      "content_filter",
      "model_length",
      "eos",
      "a future finish_reason",
      { type: "stop" },
    ]
  ) {
    assert(isFinal(chunk(reason)), String(reason));
  }
  for (
    const reason of [
      null,
      undefined,
      "",
      "error",
      "ERROR",
      "abort",
      "network_error",
      "insufficient_system_resource",
      "stream_error",
      { type: "abort" },
    ]
  ) {
    assert(!isFinal(chunk(reason)), String(reason));
  }
  assert(isFinal({ choices: [{}, { finish_reason: "length" }] }));
  assert(!isFinal({ choices: [] }));
  assert(!isFinal({}));
  assertEquals(DONE, { object: "chat.completion.chunk", choices: [] });
  assert(isFinal(DONE));
  assert(isDoneChunk(DONE) && !isDoneChunk({ ...DONE }));
});

Deno.test("usage() reads the token counts of every server", () => {
  const expected = {
    inputTokens: 9,
    outputTokens: 3,
    totalTokens: 12,
    cachedInputTokens: 4,
    reasoningTokens: 2,
  };
  const counts = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
  const details = {
    ...counts,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 2 },
  };
  const chunks: object[] = [
    { choices: [], usage: details },
    { choices: [], usage: null, x_groq: { id: "r", usage: details } },
    { choices: [{ delta: {}, usage: details }] },
    {
      choices: [],
      usage: {
        ...counts,
        prompt_cache_hit_tokens: 4,
        reasoning_tokens: 2,
      },
    },
    { usage: { ...counts, cached_tokens: 4, reasoning_tokens: 2 } },
  ];
  for (const chunk of chunks) assertEquals(usage(chunk), expected);
  assertEquals(usage({ usage: { total_tokens: 0 } }), { totalTokens: 0 });
});

Deno.test("usage() returns undefined for a chunk without usage", () => {
  const chunks: object[] = [
    {},
    { choices: [] },
    { choices: null, usage: null },
    { choices: [{ delta: {} }], usage: {} },
    { choices: [], usage: { prompt_tokens: "9" } },
  ];
  for (const chunk of chunks) assertEquals(usage(chunk), undefined);
});
