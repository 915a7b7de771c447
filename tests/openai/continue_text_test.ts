import { type ChatDelta, continueText } from "@fallback/stream/openai";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "../_test_without_permissions.ts";

const request = { messages: [{ role: "user", content: "hi" }], temperature: 0 };
const chunks = (...deltas: (ChatDelta | undefined)[]) =>
  deltas.map((delta) => ({ choices: delta ? [{ index: 0, delta }] : [] }));

test("continueText lets the next model go on after the text that was said", () => {
  const said = chunks(
    { role: "assistant", content: "" },
    { reasoning: "hm" },
    { content: "Good" },
    undefined,
    { content: " morn" },
    { content: null },
  );
  assertEquals(continueText(request, said), {
    temperature: 0,
    messages: [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Good morn" },
    ],
  });
});

test("continueText asks the same again while no text has come", () => {
  const said = chunks({ role: "assistant" }, { reasoning_content: "hm" });
  assertStrictEquals(continueText(request, said), request);
});

test("continueText declines where text is not all", () => {
  const more: ChatDelta[] = [
    { tool_calls: [{ index: 0, function: { name: "look_up" } }] },
    { function_call: { name: "look_up" } },
    { refusal: "I" },
    { audio: { data: "" } },
    // As Mistral does, although no type says so.
    { content: [{ type: "text", text: "I" }] as unknown as string },
  ];
  for (const delta of more) {
    const said = chunks({ content: "Let me see" }, delta);
    assertEquals(continueText(request, said), undefined);
  }
  const second = { choices: [{ index: 1, delta: { content: "Or" } }] };
  assertEquals(continueText(request, [second]), undefined);
});

test("continueText({ as: 'ask' }) ends with a turn of the user", () => {
  const said = chunks({ content: "Once upon a " });
  const asked = continueText(request, said, { as: "ask" });

  assertEquals(asked?.messages.map(({ role }) => role), [
    "user",
    "assistant",
    "user",
  ]);
  assertEquals(asked?.messages[1]?.content, "Once upon a");
});

test("continueText gives up where an image has come, and takes numbers for text", () => {
  const image = { content: "", images: [{ image_url: {} }] };

  assertEquals(
    continueText(request, chunks({ content: "a" }, image)),
    undefined,
  );
  assertEquals(
    continueText(request, chunks({ content: 6 as unknown as string }))
      ?.messages.at(-1)?.content,
    "6",
  );
});

test("continueText refuses unknown options and values", () => {
  for (const options of [{ as: "go" }, { how: "ask" }]) {
    assertThrows(
      () => continueText(request, [], options as { as: "ask" }),
      TypeError,
    );
  }
});
