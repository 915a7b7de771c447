import {
  type ChatDelta,
  type ChatMessage,
  continueText,
} from "@fallback/stream/openai";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { isPrefill } from "../../src/openai/continue_text.ts";
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
  assertStrictEquals(continueText(request, chunks({ content: "\n" })), request);
});

test("continueText() returns undefined when more than text was delivered", () => {
  const more: ChatDelta[] = [
    { tool_calls: [{ index: 0, function: { name: "look_up" } }] },
    { function_call: { name: "look_up" } },
    { refusal: "I" },
    { audio: { data: "" } },
    { images: [{ image_url: {} }] },
    { images: { image_url: {} } },
    // Mistral sends this, although it is not in the types.
    { content: [{ type: "text", text: "I" }] as unknown as string },
  ];
  for (const delta of more) {
    const delivered = chunks({ content: "Let me see" }, delta);
    assertEquals(continueText(request, delivered), undefined);
  }
  const second = { choices: [{ index: 1, delta: { content: "Or" } }] };
  assertEquals(continueText(request, [second]), undefined);
  const none = { tool_calls: [], function_call: null, refusal: "", images: [] };
  assertStrictEquals(continueText(request, chunks(none)), request);
});

test("continueText({ as: 'ask' }) adds a user message", () => {
  const delivered = chunks({ content: "Once upon a " });
  const continued = continueText(request, delivered, { as: "ask" });

  assertEquals(continued?.messages, [
    ...request.messages,
    { role: "assistant", content: "Once upon a" },
    {
      role: "user",
      content:
        "Your last message was cut off. Continue it exactly where it stops, even in the middle of a word. Write only what follows: repeat nothing and add no introduction.",
    },
  ]);
});

test("continueText() converts numbers to text", () => {
  const continued = continueText(
    request,
    chunks({ content: 6 as unknown as string }),
  );
  assertEquals(continued?.messages.at(-1)?.content, "6");
});

test("isPrefill() is true for a request that ends with the text of an assistant", () => {
  const assistant: ChatMessage = { role: "assistant", content: "a" };
  const isPrefilled = (...messages: ChatMessage[]) => isPrefill({ messages });
  assertEquals(isPrefilled(...request.messages, assistant), true);
  assertEquals(
    isPrefilled({ ...assistant, content: "", tool_calls: [] }),
    true,
  );
  const others: ChatMessage[] = [
    { ...assistant, role: "user" },
    { ...assistant, tool_calls: [{}] },
    { ...assistant, content: null },
    { role: "assistant" },
  ];
  for (const other of others) {
    assertEquals(isPrefilled(assistant, other), false);
  }
  assertEquals(isPrefilled(), false);
});

test("continueText() throws TypeError for unknown options and values", () => {
  const cases: [options: unknown, message: string][] = [
    [
      { as: "go" },
      `'options.as' must be "prefill" or "ask": current value is "go"`,
    ],
    [{ how: "ask" }, "'options.how' is not an option: known options are 'as'"],
    ["ask", `'options' must be an object: current value is "ask"`],
  ];
  for (const [options, message] of cases) {
    const { name, message: shown } = assertThrows(
      () => continueText(request, [], options as { as: "ask" }),
      TypeError,
    );
    assertEquals([name, shown], ["TypeError", message]);
  }
});
