// Models that refuse to continue the text of another one as a prefill. Those of
// `./openai` deal with that themselves, and for all others it is done here.

import { hasStatus } from "../has_status.ts";
import { parseModel } from "../engine/chain.ts";
import type { ChatChunk, ChatMessage, ChatRequest } from "../openai/mod.ts";
import type { Model, ModelLike } from "../types/model.ts";

type ChatModel = Model<ChatRequest, ChatChunk>;

const ASK: ChatMessage = {
  role: "user",
  content:
    "Your last message was cut off. Continue it exactly where it stops, even in the middle of a word. Write only what follows: repeat nothing and add no introduction.",
};

const isRefusedForm = hasStatus(400, 422);

/** The models that have refused a prefill, and accepted the other form. */
const withoutPrefill = new WeakSet<object>();

const originals = new WeakMap<ChatModel, object>();

/** Whether a model continues after a user's turn, as far as is known. */
export function isAskedToContinue(model: ChatModel): boolean {
  const original = originals.get(model) ?? model;
  return withoutPrefill.has(original) ||
    (original as { continuation?: unknown }).continuation === "ask";
}

/**
 * A model that gets a continuation in a form that it accepts.
 *
 * @param index The position of the model in its chain.
 * @param request The original request; any other one is a continuation.
 */
export function asContinuable(
  given: ModelLike<ChatRequest, ChatChunk>,
  index: number,
  request: ChatRequest,
): ChatModel {
  const model = parseModel(given, "models", index);
  if ("continuation" in model) return model;
  const continuable: ChatModel = {
    name: model.name,
    modelId: model.modelId,
    provider: model.provider,
    ...(model.isContent && { isContent: (chunk) => model.isContent!(chunk) }),
    ...(model.isFinal && { isFinal: (chunk) => model.isFinal!(chunk) }),
    ...(model.usage && { usage: (chunk) => model.usage!(chunk) }),
    async stream(each, context) {
      const messages = each.messages;
      const isContinuation = each !== request &&
        messages.at(-1)?.role === "assistant" &&
        messages.length > request.messages.length;
      const ask = { ...each, messages: [...messages, ASK] };
      if (!isContinuation) return await model.stream(each, context);
      if (withoutPrefill.has(given)) return await model.stream(ask, context);
      try {
        return await model.stream(each, context);
      } catch (error) {
        if (!isRefusedForm(error) || context.signal.aborted) throw error;
        const source = await model.stream(ask, context);
        withoutPrefill.add(given);
        return source;
      }
    },
  };
  originals.set(continuable, given);
  return continuable;
}
