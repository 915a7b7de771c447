// Joining two parts of a chat-completions answer: text, reasoning, ids and usage.

import { chatSplice } from "@fallback/stream/continue";
import type { ChatChunk, ChatDelta } from "@fallback/stream/openai";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";

const repeated = "Once upon a time there was a young queen";

const chunk = (delta: ChatDelta, more: object = {}): ChatChunk => ({
  id: "second",
  created: 2,
  model: "b",
  choices: [{ index: 0, delta }],
  ...more,
});

const delivered: ChatChunk[] = [
  { ...chunk({ content: repeated }), id: "first", created: 1, model: "a" },
  {
    choices: [],
    usage: {
      prompt_tokens: 5,
      completion_tokens: 7,
      prompt_tokens_details: { cached_tokens: 2 },
    },
  },
];

/** The chunks that a splice delivers of a part. */
function splice(
  chunks: readonly ChatChunk[],
  before: readonly ChatChunk[] = delivered,
): ChatChunk[] {
  const subject = chatSplice({ chunks: before });
  return [...chunks.map((each) => subject.push(each)), subject.end()].flat()
    .filter((each) => each !== undefined);
}

const finish = { choices: [{ delta: {}, finish_reason: "stop" }] };
/** What a part has in common with the first one. */
const first = { id: "first", created: 1 };

Deno.test("chatSplice() skips repeated text, and keeps the id of the first part and the model of its own", () => {
  const chunks = splice([
    chunk({ role: "assistant" }),
    chunk({ role: "assistant", content: "" }),
    chunk({
      role: "assistant",
      content: repeated.slice(0, 20),
      refusal: null,
    }),
    chunk({ content: repeated.slice(20) + " who" }),
    chunk({ content: 2 as never }),
    chunk({ content: " code." }),
    chunk({}, finish),
  ]);
  assertEquals(chunks, [
    chunk({ role: "assistant" }, first),
    chunk({ role: "assistant", content: "" }, first),
    chunk({ content: " who" }, first),
    chunk({ content: "2" }, first),
    chunk({ content: " code." }, first),
    chunk({}, { ...first, ...finish }),
  ]);
});

Deno.test("chatSplice() takes the options of TextSplice", () => {
  const asked = chatSplice({ chunks: [chunk({ content: "Hi" })] }, {
    as: "ask",
  });
  assertEquals(asked.push(chunk({ content: "Hi there" })), [
    chunk({ content: " there" }),
  ]);
});

Deno.test("chatSplice() keeps the ids and the usage of a part where those before it had none", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2 };
  const chunks = [chunk({ content: "!" }), { choices: [], usage }];
  assertEquals(splice(chunks, [{ choices: [] }]), chunks);
});

Deno.test("chatSplice() delivers what else is in a chunk at once when its text is skipped", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1 };
  const chunks = splice([
    chunk({ reasoning_content: "Hm." }),
    chunk({ content: repeated.slice(0, 5), reasoning_content: "I see." }),
    chunk({ content: repeated.slice(5, 10) }, { usage }),
    chunk({}, {
      choices: [
        { index: 0, delta: { content: repeated.slice(10) } },
        { index: 1, delta: { content: "Or" } },
      ],
    }),
    chunk({ content: "." }),
  ]);
  assertEquals(chunks, [
    chunk({ reasoning_content: "Hm." }, first),
    chunk({ reasoning_content: "I see." }, first),
    chunk({}, {
      ...first,
      usage: { ...delivered[1]!.usage, prompt_tokens: 6, completion_tokens: 8 },
    }),
    chunk({}, {
      ...first,
      choices: [
        { index: 0, delta: {} },
        { index: 1, delta: { content: "Or" } },
      ],
    }),
    chunk({ content: "." }, first),
  ]);
});

Deno.test("chatSplice() adds up the usage of the parts, including details", () => {
  const details = { accepted_prediction_tokens: 1 };
  const chunks = splice([
    chunk({ content: "!" }),
    {
      choices: [],
      usage: {
        prompt_tokens: 10,
        completion_tokens: null as never,
        completion_tokens_details: details,
        prompt_tokens_details: { cached_tokens: 3, audio_tokens: 1 },
      },
    },
  ]);
  assertEquals(chunks.at(-1)!.usage, {
    prompt_tokens: 15,
    completion_tokens: 7,
    completion_tokens_details: details,
    prompt_tokens_details: { cached_tokens: 5, audio_tokens: 1 },
  });
});

Deno.test("chatSplice() delivers buffered text before the finish_reason, or else at the end", () => {
  const text = (content: string, more = {}) =>
    chunk({}, {
      ...first,
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
      ...more,
    });
  const begins = chunk({ content: "Once " });
  assertEquals(
    splice([begins, chunk({ content: "upon" }), chunk({}, finish)]),
    [
      text("Once upon"),
      chunk({}, { ...first, ...finish }),
    ],
  );
  const choices = [{ delta: { content: "upon" }, finish_reason: "stop" }];
  assertEquals(splice([begins, chunk({}, { choices })]), [
    text("Once upon"),
    chunk({}, { ...first, ...finish }),
  ]);
  const ping = chunk({}, { choices: [], model: "c" });
  assertEquals(splice([begins, ping]), [
    { ...ping, ...first },
    text("Once ", { model: "c" }),
  ]);
});

Deno.test("chatSplice() throws TypeError for a part without a list of chunks", () => {
  for (const part of [null, {}, { chunks: "a" }]) {
    const { message } = assertThrows(
      () => chatSplice(part as never),
      TypeError,
    );
    assertMatch(message, /^'part\.chunks' must be an array: current value is /);
  }
});
