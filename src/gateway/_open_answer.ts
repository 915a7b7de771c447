// Opens the chain of a call. An answer that breaks off may be continued.

import type { ChatChunk, ChatRequest } from "../openai/mod.ts";
import { continueText } from "../openai/mod.ts";
import { chatSplice } from "../continue/chat_splice.ts";
import { openContinued } from "../continue/continue_stream.ts";
import { fallbackStream } from "../fallback_stream.ts";
import type { FallbackStream } from "../types/stream.ts";
import type { FallbackOptions } from "../types/options.ts";
import { asContinuable } from "./_continuable_model.ts";
import { DeliveredText } from "./_delivered_text.ts";
import { isContentRefusal } from "./_failure.ts";
import type { ParsedModels, ResolvedOptions } from "./options.ts";

/** Opens the models of a chain in turn. */
export function openAnswer(
  models: ParsedModels,
  request: ChatRequest,
  { fallback, continueCutAnswers }: ResolvedOptions,
  signal: AbortSignal,
): Promise<FallbackStream<ChatChunk>> {
  const options: FallbackOptions<ChatRequest, ChatChunk> = {
    ...fallback,
    signal,
    fallbackOn: fallback.fallbackOn ?? ((error) => !isContentRefusal(error)),
  };
  if (!continueCutAnswers || !isTextOnly(request)) {
    return fallbackStream(models, request, options);
  }
  const delivered = new DeliveredText();
  const continuable = models.map((model) => asContinuable(model, request));
  return openContinued(continuable, request, {
    ...options,
    resume: ({ chunks }) =>
      withLowerLimit(continueText(request, chunks), delivered),
    splice: (part) => {
      const model = continuable.find(({ name }) => name === part.model);
      const isAsked = model?.continuation === "ask";
      return chatSplice(part, { as: isAsked ? "ask" : "prefill" });
    },
  }, delivered);
}

/** Whether the answer can only be one text. */
function isTextOnly(request: ChatRequest): boolean {
  const { n, response_format, logprobs, audio } = request as unknown as Record<
    string,
    unknown
  >;
  const { type = "text" } = Object(response_format);
  return Number(n ?? 1) === 1 && type === "text" && !logprobs && !audio;
}

/** Lowers the token limit by the tokens that were already used. */
function withLowerLimit(
  request: ChatRequest | undefined,
  { usedTokens }: DeliveredText,
): ChatRequest | undefined {
  if (!request || usedTokens === undefined) return request;
  const lowered: Record<string, unknown> = { ...request };
  for (const field of ["max_tokens", "max_completion_tokens"]) {
    const limit = lowered[field];
    if (typeof limit !== "number") continue;
    if (limit <= usedTokens) return undefined;
    lowered[field] = limit - usedTokens;
  }
  return lowered as unknown as ChatRequest;
}
