// Joining two parts of a chat-completions answer: text, reasoning, ids and usage.

import { chatSplice } from "@fallback/stream/continue";
import type { ChatChunk, ChatDelta } from "@fallback/stream/openai";
import { assertEquals } from "@std/assert";

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
function splice(chunks: readonly ChatChunk[]): ChatChunk[] {
  const subject = chatSplice({ chunks: delivered });
  return [...chunks.map((each) => subject.push(each)), subject.end()].flat()
    .filter((each) => each !== undefined);
}

Deno.test("chatSplice() skips repeated text, and keeps the id of the first part and the model of its own", () => {
  const chunks = splice([
    chunk({ role: "assistant", content: "" }),
    chunk({ content: repeated.slice(0, 20) }),
    chunk({ content: repeated.slice(20) + " who" }),
    chunk({ content: " could code." }),
    chunk({}, { choices: [{ delta: {}, finish_reason: "stop" }] }),
  ]);
  assertEquals(
    chunks.map(({ choices }) => choices[0]?.delta?.content),
    ["", " who", " could code.", undefined],
  );
  assertEquals(
    chunks.map(({ id, created, model }) => `${id} ${created} ${model}`),
    Array(4).fill("first 1 b"),
  );
});

Deno.test("chatSplice() delivers reasoning at once, also when the text of the chunk is skipped", () => {
  const chunks = splice([
    chunk({ reasoning_content: "Hm." }),
    chunk({ content: repeated, reasoning_content: "I see." }),
    chunk({ content: "." }),
  ]);
  assertEquals(chunks.map(({ choices }) => choices[0]?.delta), [
    { reasoning_content: "Hm." },
    { reasoning_content: "I see." },
    { content: "." },
  ]);
});

Deno.test("chatSplice() adds up the usage of the parts, including details", () => {
  const chunks = splice([
    chunk({ content: "!" }),
    {
      choices: [],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 3, audio_tokens: 1 },
      },
    },
  ]);
  assertEquals(chunks.at(-1)!.usage, {
    prompt_tokens: 15,
    completion_tokens: 8,
    prompt_tokens_details: { cached_tokens: 5, audio_tokens: 1 },
  });
});

Deno.test("chatSplice() delivers buffered text before the finish_reason", () => {
  const chunks = splice([
    chunk({ content: "Once upon" }),
    chunk({}, { choices: [{ delta: {}, finish_reason: "stop" }] }),
  ]);
  assertEquals(
    chunks.map(({ choices: [choice] }) =>
      choice?.delta?.content ?? choice?.finish_reason
    ),
    ["Once upon", "stop"],
  );
});
