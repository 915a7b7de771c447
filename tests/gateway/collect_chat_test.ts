// How chunks become one answer.

import { type ChatChunk, collectChat } from "@fallback/stream/gateway";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";

const collect = (...chunks: unknown[]) =>
  collectChat(ReadableStream.from(chunks as ChatChunk[]));

/** The message of an answer with these deltas. */
async function messageOf(...deltas: unknown[]): Promise<unknown> {
  const chunks = deltas.map((delta) => ({ choices: [{ index: 0, delta }] }));
  const { choices } = await collect(...chunks);
  return choices[0]!.message;
}

const message = { role: "assistant", content: null, refusal: null };

Deno.test("collectChat() keeps the first of each field, but the last usage and model", async () => {
  const answer = await collect(
    { choices: [], id: "", created: null, model: "", system_fingerprint: null },
    { choices: [], id: "c1", created: 7, model: "asked", usage: { a: 1 } },
    {
      choices: [],
      id: "c2",
      object: "chat.completion.chunk",
      created: 8,
      model: "real",
      system_fingerprint: "f",
      constructor: "x",
      usage: { a: 2 },
    },
    {
      choices: [],
      id: "c3",
      model: null,
      usage: null,
      system_fingerprint: "g",
    },
  );
  assertEquals(answer, {
    id: "c1",
    object: "chat.completion",
    created: 7,
    model: "real",
    system_fingerprint: "f",
    constructor: "x",
    choices: [],
    usage: { a: 2 },
  } as unknown);
});

Deno.test("collectChat() makes an id, the time and an empty model where there is none", async () => {
  using _ = new FakeTime(7_999_999);
  const { id, ...rest } = await collect({ choices: [] });
  assertMatch(id, /^chatcmpl-[\da-f]{8}-[\da-f-]{27}$/);
  assertEquals(rest, {
    object: "chat.completion",
    created: 7999,
    model: "",
    choices: [],
  });
});

Deno.test("collectChat() sorts the choices by their index, and says why each ends", async () => {
  const { choices } = await collect(
    { choices: [{ index: 2, delta: { content: "c", role: 7 } }] },
    {
      choices: [
        { delta: { content: "a", role: "tool" }, finish_reason: "length" },
        { index: 1, delta: { refusal: "no", tool_calls: [{ id: "t" }] } },
      ],
    },
    { choices: [{ index: 0, finish_reason: null, x: 1, y: undefined }] },
    { choices: [{ index: 0, finish_reason: undefined, x: 2 }] },
  );
  assertEquals(choices, [
    {
      index: 0,
      message: { ...message, role: "tool", content: "a" },
      logprobs: null,
      finish_reason: "length",
      x: 2,
    },
    {
      index: 1,
      message: { ...message, refusal: "no", tool_calls: [{ id: "t" }] },
      logprobs: null,
      finish_reason: "tool_calls",
    },
    {
      index: 2,
      message: { ...message, content: "c" },
      logprobs: null,
      finish_reason: "stop",
    },
  ]);
});

Deno.test("collectChat() joins the log probabilities of all chunks", async () => {
  const logprobs = (token: string) => ({ content: [{ token, bytes: [1] }] });
  const { choices } = await collect(
    { choices: [{ index: 0, logprobs: logprobs("a") }] },
    { choices: [{ index: 0, logprobs: null }] },
    { choices: [{ index: 0, logprobs: logprobs("b") }] },
  );
  assertEquals(choices[0]!.logprobs, {
    content: [{ token: "a", bytes: [1] }, { token: "b", bytes: [1] }],
  });
});

const text = (text: string) => [{ type: "text", text }];
const thinking = [{ type: "thinking", thinking: "Hm" }];
const contents: [parts: unknown[], content: unknown][] = [
  [[], null],
  [[null, undefined], null],
  [["", "a", "b"], "ab"],
  [[4, 2], "42"],
  [["Hello ", text("world"), "!"], "Hello world!"],
  [[text("Hello "), text("world")], "Hello world"],
  [["", text("a")], "a"],
  [[[]], ""],
  [[thinking, "answer", ""], [...thinking, ...text("answer")]],
  [[text("a"), thinking], [...text("a"), ...thinking]],
  [[text("a"), [null]], [...text("a"), null]],
  [[[{ type: "text" }]], [{ type: "text" }]],
];

Deno.test("collectChat() makes one content of texts, numbers and lists of parts", async () => {
  for (const [parts, content] of contents) {
    assertEquals(
      await messageOf({}, ...parts.map((content) => ({ content }))),
      { ...message, content },
    );
  }
});

const whole = {
  role: "assistant",
  id: "t",
  type: "function",
  index: 0,
  format: "wav",
  expires_at: "2026-01-31",
};
const call = (index: number, text: string, more: object = {}) => ({
  index,
  ...more,
  function: { arguments: text },
});
const nothing = { role: "", id: "", type: "", index: "", format: "" };
const merged: Record<string, [deltas: unknown[], expected: object]> = {
  "fields that repeat the whole": [[whole, whole, nothing], whole],
  "the last of two values of such a field": [
    [{ type: "a" }, { type: "b" }],
    { type: "b" },
  ],
  "an empty text": [[{ id: "" }], { id: "" }],
  "objects field by field": [
    [{ audio: { id: "a", data: "x" } }, { audio: { data: "y", n: 1 } }],
    { audio: { id: "a", data: "xy", n: 1 } },
  ],
  "the last of two numbers": [[{ score: 1 }, { score: 2 }], { score: 2 }],
  "a number after a text": [[{ x: "a" }, { x: 1 }], { x: "a1" }],
  "an object after a text": [[{ x: "a" }, { x: { a: 1 } }], { x: { a: 1 } }],
  "an object after a list": [[{ x: [1] }, { x: { a: 1 } }], { x: { a: 1 } }],
  "a number after a list": [[{ x: [1] }, { x: 2 }], { x: 2 }],
  "a list after an object": [[{ x: { a: 1 } }, { x: [1] }], { x: [1] }],
  "calls of tools by their index": [
    [
      { tool_calls: [call(1, "{", { id: "b" }), call(0, "[", { id: "a" })] },
      { tool_calls: [call(0, "]"), call(1, "}")] },
    ],
    {
      tool_calls: [call(1, "{}", { id: "b" }), call(0, "[]", { id: "a" })],
    },
  ],
  "items without an index, one after the other": [
    [{ x: [null, { a: "1" }, "s"] }, { x: [[2], { a: "3" }, { index: 0 }] }, {
      x: [{ index: 0, a: "4" }],
    }],
    {
      x: [null, { a: "1" }, "s", [2], { a: "3" }, { index: 0, a: "4" }],
    },
  ],
  "names of Object.prototype": [
    [{ toString: "a" }, { toString: "b" }],
    { toString: "ab" },
  ],
};

for (const [name, [deltas, expected]] of Object.entries(merged)) {
  Deno.test(`collectChat() merges ${name}`, async () => {
    assertEquals(await messageOf(...deltas), { ...message, ...expected });
  });
}

Deno.test("collectChat() takes __proto__ for a field, and makes objects that can be changed", async () => {
  const delta = JSON.parse('{"x":{"__proto__":{"a":"b"},"c":"d"}}');
  const { x } = await messageOf(delta) as { x: Record<string, unknown> };
  assertEquals(JSON.stringify(x), '{"__proto__":{"a":"b"},"c":"d"}');
  assertEquals(Object.getPrototypeOf(x), Object.prototype);
  x.c = "e";
  delete x["__proto__"];
  assertEquals(JSON.stringify(x), '{"c":"e"}');
});

Deno.test("collectChat() keeps a name that each part repeats, and joins one that comes in parts", async () => {
  const call = (name: string) => ({
    channel: "final",
    name: "bot",
    tool_calls: [{ index: 0, function: { name, arguments: "1" } }],
  });
  for (const names of [["get", "get", "get"], ["g", "et", ""]]) {
    assertEquals(await messageOf(...names.map(call)), {
      ...message,
      channel: "final",
      name: "bot",
      tool_calls: [{
        index: 0,
        function: { name: "get", arguments: "111" },
      }],
    });
  }
});

Deno.test("collectChat() rejects what is not async iterable", async () => {
  const { message } = await assertRejects(
    () => collectChat(null as never),
    TypeError,
  );
  assertEquals(
    message,
    "'stream' must be async iterable: current value is null",
  );
});

Deno.test("collectChat() takes linear time for many items with an index", async () => {
  const count = 200_000;
  const tool_calls = Array.from({ length: count }, (_, index) => ({ index }));
  const delta = { tool_calls };
  // Quadratic time would be minutes.
  const { tool_calls: calls } = await messageOf(delta, delta) as typeof delta;
  assertEquals([calls.length, calls.at(-1)], [count, { index: count - 1 }]);
});
