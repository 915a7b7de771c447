/**
 * A language model of the AI SDK that speaks the chat-completions protocol.
 *
 * @module
 */

import {
  assertFunction,
  assertOptions,
  type OptionNames,
} from "../_shared/arguments.ts";
import { ignoreErrors } from "../_shared/ignore_errors.ts";
import { MappedSource } from "../engine/mapped_source.ts";
import type { ChatChunk, ChatRequest } from "../openai/mod.ts";
import type { Model } from "../types/model.ts";
import {
  type AiSdkModelOptions,
  callOptions,
  parseModel,
} from "./ai_sdk_model.ts";
import { ChatChunkMapper } from "./_chat_chunks.ts";
import { toCallOptions } from "./_chat_request.ts";
import { answerPredicates } from "./_parts.ts";
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV4,
  LanguageModelV4CallOptions,
} from "./specification.ts";
import { usage } from "./_usage.ts";

/** A part of a request or an answer that was not passed on. */
export interface ChatWarning {
  /** The name of the model. */
  readonly model: string;
  /** The field of the request or the kind of part, if it is one. */
  readonly field?: string;
  /** The part that was left out, and why. */
  readonly message: string;
}

/**
 * Options of {@linkcode chatModel}.
 *
 * @typeParam CallOptions The options of the language model's calls.
 */
export interface ChatModelOptions<CallOptions>
  extends AiSdkModelOptions<CallOptions> {
  /**
   * Called for every field of a request that the language model does not take,
   * for every warning of its provider, and for every part of an answer that a
   * chunk cannot carry. Errors that it throws are ignored.
   */
  readonly onWarning?: ((warning: ChatWarning) => void) | undefined;
}

const OPTION_NAMES: OptionNames<
  ChatModelOptions<LanguageModelV4CallOptions>
> = {
  name: true,
  providerOptions: true,
  settings: true,
  onWarning: true,
};

/**
 * Makes a model of any language model of the AI SDK (specification v3 or v4)
 * whose requests and chunks are those of `openaiModel`. So every provider of the
 * AI SDK fits into a chain of `openaiModel`s.
 *
 * Text, reasoning (`reasoning_content`), tool calls, images (`images`), audio,
 * files (`files`), citations (`annotations`), the finish reason and the usage
 * become chunks. A request's `providerOptions` are passed on. What the language
 * model cannot express is reported to `onWarning`, or is a `TypeError` where
 * leaving it out would change the answer's shape.
 *
 * An answer that a filter has withheld wholly fails with a `StreamPartError` that
 * has the status 400 and the code `"content_filter"`, as with `openaiModel`.
 *
 * It never downloads. `data:` URLs are decoded; any other URL must be one that the
 * model fetches itself (`supportedUrls`), or it is a `TypeError` before anything
 * is sent.
 *
 * @param model The language model.
 * @param options Its name, settings, provider options and `onWarning`.
 * @returns The model, named `options.name` or else the `modelId`.
 *
 * @example In a chain with a server that speaks the protocol itself
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { chatModel } from "@fallback/stream/ai-sdk";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, wire } from "@fallback/stream/testing";
 * import { simulateReadableStream } from "ai";
 * import { MockLanguageModelV4 } from "ai/test";
 * import { assertEquals } from "@std/assert";
 *
 * const { fetch } = fakeProvider([wire.status(529)]);
 * const claude = new MockLanguageModelV4({
 *   modelId: "claude",
 *   doStream: () =>
 *     Promise.resolve({
 *       stream: simulateReadableStream({
 *         chunks: [
 *           { type: "text-start", id: "1" },
 *           { type: "text-delta", id: "1", delta: "Hello" },
 *           { type: "text-end", id: "1" },
 *           {
 *             type: "finish",
 *             finishReason: { unified: "stop", raw: "end_turn" },
 *             usage: {
 *               inputTokens: {
 *                 total: 1,
 *                 noCache: 1,
 *                 cacheRead: 0,
 *                 cacheWrite: 0,
 *               },
 *               outputTokens: { total: 1, text: 1, reasoning: 0 },
 *             },
 *           },
 *         ],
 *       }),
 *     }),
 * });
 *
 * let text = "";
 * const messages = [{ role: "user", content: "Hi" }];
 * const models = [openaiModel({ model: "gpt", fetch }), chatModel(claude)];
 * for await (const { choices } of await fallbackStream(models, { messages })) {
 *   text += choices[0]?.delta?.content ?? "";
 * }
 * assertEquals(text, "Hello");
 * ```
 *
 * @throws {TypeError} If `model` is no language model of v3 or v4.
 * @throws {TypeError} If an option is of the wrong kind, or unknown.
 */
export function chatModel(
  model: LanguageModelV4,
  options?: ChatModelOptions<LanguageModelV4CallOptions>,
): Model<ChatRequest, ChatChunk>;
/**
 * Makes a model of a language model of specification v3 whose requests and
 * chunks are those of `openaiModel`.
 *
 * @param model The language model.
 * @param options Its name, settings, provider options and `onWarning`.
 * @returns The model, named `options.name` or else the `modelId`.
 *
 * @example Usage
 * ```ts
 * import { chatModel } from "@fallback/stream/ai-sdk";
 * import { MockLanguageModelV3 } from "ai/test";
 * import { assertEquals } from "@std/assert";
 *
 * const mock = new MockLanguageModelV3({ modelId: "gpt-4o" });
 * assertEquals(chatModel(mock).modelId, "gpt-4o");
 * ```
 *
 * @throws {TypeError} If `model` is no language model of v3 or v4.
 * @throws {TypeError} If an option is of the wrong kind, or unknown.
 */
export function chatModel(
  model: LanguageModelV3,
  options?: ChatModelOptions<LanguageModelV3CallOptions>,
): Model<ChatRequest, ChatChunk>;
export function chatModel(
  model: unknown,
  options: ChatModelOptions<LanguageModelV4CallOptions> = {},
): Model<ChatRequest, ChatChunk> {
  assertOptions("options", options, OPTION_NAMES);
  assertFunction("options.onWarning", options.onWarning);
  const entry = parseModel(model, options);
  const { name, model: languageModel } = entry;
  const { modelId, provider } = languageModel;
  const warn = (message: string, field?: string) =>
    ignoreErrors(() =>
      options.onWarning?.({
        model: name,
        ...(field !== undefined && { field }),
        message,
      })
    );
  return {
    name,
    modelId,
    provider,
    async stream(request, context) {
      const converted = await toCallOptions(request, languageModel, warn);
      const { stream } = await languageModel.doStream(
        callOptions(entry, converted, context),
      );
      const mapper = new ChatChunkMapper(modelId, request, warn);
      const predicates = { ...answerPredicates(name), usage };
      return new MappedSource(stream, predicates, (part) => mapper.map(part));
    },
  };
}
