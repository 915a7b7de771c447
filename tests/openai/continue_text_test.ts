import { type ChatDelta, continueText } from "@fallback/stream/openai";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "../_test_without_permissions.ts";

const request = { messages: [{ role: "user", content: "hi" }], temperature: 0 };
const chunks = (...deltas: (ChatDelta | undefined)[]) =>
  deltas.map((delta) => ({ choices: delta ? [{ index: 0, delta }] : [] }));

test("continueText() adds the delivered text as an assistant message", () => {
  const delivered = chunks(
    { role: "assistant", content: "" },
    { reasoning: "hm" },
    { content: "Good" },
    undefined,
    { content: " morn" },
    { content: null },
  );
  assertEquals(continueText(request, delivered), {
    temperature: 0,
    messages: [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Good morn" },
    ],
  });
});

test("continueText() returns the same request while no text was delivered", () => {
  const delivered = chunks({ role: "assistant" }, { reasoning_content: "hm" });
  assertStrictEquals(continueText(request, delivered), request);
});

test("continueText() returns undefined when more than text was delivered", () => {
  const more: ChatDelta[] = [
    { tool_calls: [{ index: 0, function: { name: "look_up" } }] },
    { function_call: { name: "look_up" } },
    { refusal: "I" },
    { audio: { data: "" } },
    // Mistral sends this, although it is not in the types.
    { content: [{ type: "text", text: "I" }] as unknown as string },
  ];
  for (const delta of more) {
    const delivered = chunks({ content: "Let me see" }, delta);
    assertEquals(continueText(request, delivered), undefined);
  }
  const second = { choices: [{ index: 1, delta: { content: "Or" } }] };
  assertEquals(continueText(request, [second]), undefined);
});

test("continueText({ as: 'ask' }) adds a user message", () => {
  const delivered = chunks({ content: "Once upon a " });
  const continued = continueText(request, delivered, { as: "ask" });

  assertEquals(continued?.messages.map(({ role }) => role), [
    "user",
    "assistant",
    "user",
  ]);
  assertEquals(continued?.messages[1]?.content, "Once upon a");
});

test("continueText() returns undefined for images, and converts numbers to text", () => {
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

test("continueText() throws TypeError for unknown options and values", () => {
  for (const options of [{ as: "go" }, { how: "ask" }]) {
    assertThrows(
      () => continueText(request, [], options as { as: "ask" }),
      TypeError,
    );
  }
});
