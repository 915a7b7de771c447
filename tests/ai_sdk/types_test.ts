// With the types of both major versions, users need no cast, and mistakes do not
// compile.

import {
  aiSdkModel,
  fallbackLanguageModel,
  type LanguageModelV3,
  type LanguageModelV4,
} from "@fallback/stream/ai-sdk";
import { fallbackStream } from "@fallback/stream";
import { assertEquals } from "@std/assert";
import { streamText as streamText7, ToolLoopAgent as Agent7 } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { streamText as streamText6, ToolLoopAgent as Agent6 } from "ai6";
import { MockLanguageModelV3 } from "ai6/test";

const v4 = new MockLanguageModelV4({ modelId: "four" });
const v3 = new MockLanguageModelV3({ modelId: "three" });

Deno.test("fallbackLanguageModel() returns a LanguageModelV4 for models of AI SDK 7", () => {
  const model: LanguageModelV4 = fallbackLanguageModel(
    [v4, {
      model: v4,
      name: "b",
      settings: { temperature: 0, seed: undefined },
    }],
    { isContent: (part) => part.type === "text-delta" },
  );
  assertEquals(model.modelId, "fallback:four,b");
  (() => streamText7({ model, prompt: "Hi" }));
  (() => new Agent7({ model }));
});

Deno.test("fallbackLanguageModel() returns a LanguageModelV3 for models of AI SDK 6", () => {
  const model = fallbackLanguageModel(
    [v3, {
      model: v3,
      name: "b",
      settings: { temperature: 0, seed: undefined },
    }],
    { isContent: (part) => part.type === "text-delta" },
  );
  assertEquals(model.modelId, "fallback:three,b");
  (() => streamText6({ model, prompt: "Hi" }));
  (() => new Agent6({ model }));
  const inner: LanguageModelV3 = model;
  const outer = fallbackLanguageModel([model, v3, { model }]);
  (() => streamText6({ model: outer, prompt: "Hi" }));
  (() => fallbackLanguageModel([inner]));
  // AI SDK 7 accepts it, too.
  (() => streamText7({ model, prompt: "Hi" }));
});

Deno.test("fallbackLanguageModel() and aiSdkModel() infer types of nested chains", () => {
  const inner = fallbackLanguageModel([v4]);
  assertEquals(
    fallbackLanguageModel([inner, v4]).modelId,
    "fallback:fallback:four,four",
  );
  (() => fallbackStream([aiSdkModel(v4), aiSdkModel(inner)], { prompt: [] }));
  (() => fallbackStream([aiSdkModel(v3)], { prompt: [] }));
});

Deno.test("fallbackLanguageModel() rejects invalid arguments at compile time", () => {
  // @ts-expect-error a mix of specifications
  (() => fallbackLanguageModel([v4, v3]));
  // @ts-expect-error a gateway's name
  (() => fallbackLanguageModel(["openai/gpt-5"]));
  // @ts-expect-error the signal belongs to the call
  (() => fallbackLanguageModel([v4], { signal: new AbortController().signal }));
  // @ts-expect-error a prompt is not a setting
  (() => fallbackLanguageModel([{ model: v4, settings: { prompt: [] } }]));
  // @ts-expect-error an unknown setting
  (() => fallbackLanguageModel([{ model: v4, settings: { warmth: 1 } }]));
});
