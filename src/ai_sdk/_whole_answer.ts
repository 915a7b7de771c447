// Whole answers follow the rules of streams: an empty or filtered answer falls
// back in both.

import type {
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import type { Model } from "../types/model.ts";
import type { FallbackOptions } from "../types/options.ts";
import {
  callOptions,
  type Entry,
  type NestedCallOptions,
} from "./ai_sdk_model.ts";
import { assertFinished, isContent, isInterrupted } from "./_parts.ts";
import { toUsage } from "./_usage.ts";

type Part = LanguageModelV4StreamPart;

/** The predicates of a chain's options. */
type JudgeOptions = Pick<
  FallbackOptions<NestedCallOptions, Part>,
  "isContent"
>;

/** A model whose only chunk is a whole answer. */
export function toWholeModel(
  entry: Entry,
  options: JudgeOptions,
): Model<NestedCallOptions, LanguageModelV4GenerateResult> {
  return {
    name: entry.name,
    modelId: entry.model.modelId,
    provider: entry.model.provider,
    isContent: (result) =>
      toParts(result).some((part) =>
        options.isContent ? options.isContent(part) : isContent(part)
      ),
    isFinal(result) {
      // A whole body cannot break off, so a missing reason is no truncation.
      assertFinished(result.finishReason, entry.name, isInterrupted);
      return true;
    },
    usage: (result) => toUsage(result.usage),
    async *stream(request, context) {
      yield await entry.model.doGenerate(callOptions(entry, request, context));
    },
  };
}

/** A whole answer as the parts of a stream. */
function toParts(result: LanguageModelV4GenerateResult): Part[] {
  const { content, finishReason, usage } = result;
  const parts = content.map((each, i): Part => {
    switch (each.type) {
      case "text":
        return { type: "text-delta", id: `${i}`, delta: each.text };
      case "reasoning":
        return { type: "reasoning-delta", id: `${i}`, delta: each.text };
      default:
        return each;
    }
  });
  return [...parts, { type: "finish", finishReason, usage }];
}
