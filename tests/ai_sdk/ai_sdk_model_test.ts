// `aiSdkModel()`: language models of the AI SDK as models of `fallbackStream()`.

import {
  AllModelsFailedError,
  fallbackModel,
  fallbackStream,
  TruncatedStreamError,
} from "@fallback/stream";
import {
  aiSdkModel,
  type AiSdkModelOptions,
  type Model,
} from "@fallback/stream/ai-sdk";
import {
  createJournal,
  type Script,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  answer,
  delta,
  OPENING,
  type Part,
  REQUEST,
  type Request,
  scripted,
  type Sdk,
  sdk7,
  START,
  STOP,
  testSdk,
} from "./_sdk.ts";

const overloaded = new Error("overloaded");

function modelOf(
  sdk: Sdk,
  script: Script<Part>,
  options?: AiSdkModelOptions<Request>,
): Model<Request, Part> {
  return aiSdkModel(scripted(sdk, "a", script), options);
}

const bytes = new Uint8Array([1]);
const none = new Uint8Array();

/** Parts, and whether they are content. */
const PARTS: [part: object, isContent: boolean][] = [
  [{ type: "stream-start", warnings: [] }, false],
  [{ type: "response-metadata", id: "r" }, false],
  [{ type: "ping" }, false],
  [{ type: "raw", rawValue: "data" }, false],
  [{ type: "text-start", id: "1" }, false],
  [{ type: "text-delta", id: "1", delta: "" }, false],
  [{ type: "text-delta", id: "1", delta: " " }, true],
  [{ type: "text-end", id: "1" }, false],
  [{ type: "reasoning-start", id: "1" }, false],
  [{ type: "reasoning-delta", id: "1", delta: "" }, false],
  [{ type: "reasoning-delta", id: "1", delta: "Hm" }, true],
  [{ type: "reasoning-end", id: "1" }, false],
  [{ type: "tool-input-start", id: "1", toolName: "look" }, true],
  [{ type: "tool-input-delta", id: "1", delta: "" }, false],
  [{ type: "tool-input-delta", id: "1", delta: "{" }, true],
  [{ type: "tool-input-end", id: "1" }, false],
  [{ type: "tool-call", toolCallId: "1", toolName: "look", input: "" }, true],
  [
    { type: "tool-result", toolCallId: "1", toolName: "look", result: 1 },
    true,
  ],
  [{ type: "tool-approval-request", approvalId: "1", toolCallId: "1" }, true],
  [{ type: "source", sourceType: "url", id: "1", url: "https://h/" }, true],
  [{ type: "custom", kind: "fake.thing" }, false],
  [
    {
      type: "custom",
      kind: "anthropic.message_start",
      providerMetadata: { anthropic: { id: "m" } },
    },
    false,
  ],
  [{ type: "custom", kind: "fake.thing", text: "Hello" }, true],
  [{ type: "something-new", delta: "Hello" }, true],
  [{ type: "something-new", delta: "" }, false],
  [{ type: "file", mediaType: "image/png", data: bytes }, true],
  [{ type: "file", mediaType: "image/png", data: none }, false],
  [{ type: "file", mediaType: "image/png", data: "AQ==" }, true],
  [{ type: "file", mediaType: "image/png", data: "" }, false],
  [
    {
      type: "file",
      mediaType: "image/png",
      data: { type: "data", data: bytes },
    },
    true,
  ],
  [
    { type: "file", mediaType: "image/png", data: { type: "data", data: "" } },
    false,
  ],
  [
    {
      type: "reasoning-file",
      mediaType: "image/png",
      data: { type: "url", url: new URL("https://h/") },
    },
    true,
  ],
  [STOP, false],
  [{ type: "something-new" }, false],
];

for (const [part, isContent] of PARTS) {
  const text = JSON.stringify(part).replace(/[{}"]/g, "");
  Deno.test(`aiSdkModel().isContent() returns ${isContent} for ${text}`, () => {
    const model = modelOf(sdk7, []);
    assertEquals(model.isContent?.(part as Part), isContent);
  });
}

Deno.test("aiSdkModel().isFinal() is true for finish only, and throws the error of an error part", () => {
  const model = modelOf(sdk7, []);
  for (const [part] of PARTS) {
    assertEquals(model.isFinal?.(part as Part), part === STOP);
  }
  const final = () => model.isFinal?.({ type: "error", error: overloaded });
  assertStrictEquals(assertThrows(final), overloaded);
});

testSdk(
  "fallbackStream() falls back between aiSdkModel() models",
  async (sdk) => {
    const journal = createJournal();
    const models = [
      [step.fail(overloaded)],
      [START, { type: "error", error: overloaded }, ...answer("never")],
      [START, step.truncate()],
      answer("Hel", "lo"),
    ].map((script, i) =>
      aiSdkModel(scripted(sdk, `m${i}`, script as Script<Part>, { journal }))
    );
    await using stream = await fallbackStream(models, REQUEST);
    assertEquals(await Array.fromAsync(stream), answer("Hel", "lo"));
    assertEquals(stream.model, "m3");
    assertEquals(stream.attempts.map(({ outcome }) => outcome), [
      "failed",
      "failed",
      "failed",
      "completed",
    ]);
    assertInstanceOf(stream.attempts[2]?.error, TruncatedStreamError);
    journal.assertClean();
  },
);

testSdk(
  "fallbackStream() throws the error of an error part after content",
  async (sdk) => {
    const model = modelOf(sdk, [
      ...OPENING,
      delta("Hel"),
      { type: "error", error: overloaded },
      STOP,
    ]);
    await using stream = await fallbackStream([model], REQUEST);
    const reading = Array.fromAsync(stream);
    assertStrictEquals(await assertRejects(() => reading), overloaded);
  },
);

testSdk(
  "aiSdkModel() passes the attempt's signal to doStream, not the request's",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const inner = scripted(sdk, "a", [START, step.hang()], { journal });
      const abortSignal = new AbortController().signal;
      const error = await assertRejects(() =>
        fallbackStream([aiSdkModel(inner)], { ...REQUEST, abortSignal }, {
          timeouts: { firstContentMs: 5_000 },
        })
      );
      assertInstanceOf(error, AllModelsFailedError);
      const [{ abortSignal: given }] = inner.requests as [Request];
      assert(given !== abortSignal);
      assertStrictEquals(given?.reason, error.errors[0]);
      journal.assertClean();
    });
  },
);

testSdk(
  "aiSdkModel() takes the name and provider of its model, or its own options",
  async (sdk) => {
    const inner = scripted(sdk, "gpt", answer("Hello"), { provider: "openai" });
    const plain = aiSdkModel(inner);
    assertEquals([plain.name, plain.provider], ["gpt", "openai"]);
    const special = aiSdkModel(inner, {
      name: "azure",
      settings: { temperature: 0 },
      providerOptions: { openai: { user: "u" } },
    });
    assertEquals(special.name, "azure");
    await using stream = await fallbackStream([special], REQUEST);
    assertEquals(stream.model, "azure");
    const [sent] = inner.requests as [Request];
    assertEquals(sent.temperature, 0);
    assertEquals(sent.providerOptions, { openai: { user: "u" } });
    assertEquals(sent.prompt, REQUEST.prompt);
  },
);

testSdk("fallbackModel() takes aiSdkModel() models", async (sdk) => {
  const pair = fallbackModel([
    modelOf(sdk, [step.fail(overloaded)]),
    modelOf(sdk, answer("Hello"), { name: "b" }),
  ]);
  await using stream = await fallbackStream([pair], REQUEST);
  assertEquals(await Array.fromAsync(stream), answer("Hello"));
  assertEquals(stream.model, "b");
});
