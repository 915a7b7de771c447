// Models that refuse to continue the text of another one as a prefill. Those of
// `./openai` deal with that themselves, and for all others it is done here.

import { hasStatus } from "../has_status.ts";
import { askToContinue } from "../openai/continue_text.ts";
import type { ChatChunk, ChatRequest, Continuation } from "../openai/mod.ts";
import type { Model } from "../types/model.ts";

type ChatModel = Model<ChatRequest, ChatChunk>;

/** A model that says how it continues a text, as far as is known. */
export interface ContinuableModel extends ChatModel {
  readonly continuation?: Continuation;
}

const isRefusedForm = hasStatus(400, 422);

/** The models that have refused a prefill, and accepted the other form. */
const withoutPrefill = new WeakSet<object>();

/**
 * A model that gets a continuation in a form that it accepts.
 *
 * @param request The original request; one with more messages is a continuation.
 */
export function asContinuable(
  model: ChatModel,
  request: ChatRequest,
): ContinuableModel {
  if ("continuation" in model) return model as ContinuableModel;
  return {
    get continuation() {
      return withoutPrefill.has(model) ? "ask" : "prefill";
    },
    name: model.name,
    modelId: model.modelId,
    provider: model.provider,
    ...(model.isContent && { isContent: (chunk) => model.isContent!(chunk) }),
    ...(model.isFinal && { isFinal: (chunk) => model.isFinal!(chunk) }),
    ...(model.usage && { usage: (chunk) => model.usage!(chunk) }),
    async stream(each, context) {
      const isContinuation = each.messages.length > request.messages.length;
      if (!isContinuation) return await model.stream(each, context);
      const ask = askToContinue(each);
      if (withoutPrefill.has(model)) return await model.stream(ask, context);
      try {
        return await model.stream(each, context);
      } catch (error) {
        if (!isRefusedForm(error) || context.signal.aborted) throw error;
        const source = await model.stream(ask, context);
        withoutPrefill.add(model);
        return source;
      }
    },
  };
}
