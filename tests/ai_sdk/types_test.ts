// What both majors' own types say: users need no cast, and mistakes are errors.

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

Deno.test("models of AI SDK 7 make one of AI SDK 7", () => {
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

Deno.test("models of AI SDK 6 make one of AI SDK 6", () => {
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
  // AI SDK 7 takes it too.
  (() => streamText7({ model, prompt: "Hi" }));
});

Deno.test("chains of chains and models of a chain have types", () => {
  const inner = fallbackLanguageModel([v4]);
  assertEquals(
    fallbackLanguageModel([inner, v4]).modelId,
    "fallback:fallback:four,four",
  );
  (() => fallbackStream([aiSdkModel(v4), aiSdkModel(inner)], { prompt: [] }));
  (() => fallbackStream([aiSdkModel(v3)], { prompt: [] }));
});

Deno.test("what is wrong is no type either", () => {
  // @ts-expect-error a mix of specifications
  (() => fallbackLanguageModel([v4, v3]));
  // @ts-expect-error a gateway's name
  (() => fallbackLanguageModel(["openai/gpt-5"]));
  // @ts-expect-error the signal is the call's
  (() => fallbackLanguageModel([v4], { signal: new AbortController().signal }));
  // @ts-expect-error a prompt is no setting
  (() => fallbackLanguageModel([{ model: v4, settings: { prompt: [] } }]));
  // @ts-expect-error a setting of no call
  (() => fallbackLanguageModel([{ model: v4, settings: { warmth: 1 } }]));
});
