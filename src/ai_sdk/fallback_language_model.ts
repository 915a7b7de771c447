/**
 * A chain as a language model of the AI SDK.
 *
 * @module
 */

import {
  assertArgument,
  assertObject,
  type OptionNames,
} from "../_shared/arguments.ts";
import { CHAIN_OPTION_NAMES, parseChain } from "../engine/chain.ts";
import type { FallbackOptions } from "../types/options.ts";
import type { AiSdkModelOptions } from "./ai_sdk_model.ts";
import {
  ChainLanguageModel,
  type LanguageModelChain,
  parseEntries,
} from "./_chain_model.ts";
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
} from "./specification.ts";

/**
 * A language model of a chain, alone or with its options.
 *
 * @typeParam LanguageModel The kind of model.
 * @typeParam CallOptions The options of its calls.
 */
export type FallbackEntry<LanguageModel, CallOptions> =
  | LanguageModel
  | (AiSdkModelOptions<CallOptions> & {
    /** The language model. */
    readonly model: LanguageModel;
  });

/**
 * Returns the models for a request, in order of preference. It must be
 * synchronous. It is called once per call.
 *
 * @typeParam LanguageModel The kind of model.
 * @typeParam CallOptions The options of a call.
 * @param request The options of the call.
 * @returns The models.
 */
export type LanguageModelsByRequest<LanguageModel, CallOptions> = (
  request: CallOptions,
) => readonly FallbackEntry<LanguageModel, CallOptions>[];

/**
 * Options of {@linkcode fallbackLanguageModel}: those of `fallbackStream`. The
 * signal is the call's own `abortSignal`, and a `finish` part is final.
 *
 * @typeParam CallOptions The options of a call.
 * @typeParam StreamPart One part of an answer.
 */
export interface FallbackLanguageModelOptions<CallOptions, StreamPart>
  extends Omit<FallbackOptions<CallOptions, StreamPart>, "signal" | "isFinal"> {
  /**
   * The `modelId` of the chain.
   *
   * @default {"fallback:a,b" for a list, "fallback" for a function}
   */
  modelId?: string | undefined;
  /**
   * Which URLs every model of the chain fetches itself, by media type. The SDK
   * downloads the others. By default those that all models of a list support,
   * and none for a function.
   */
  supportedUrls?: Record<string, RegExp[]> | undefined;
  /**
   * The specification of the models, where a function returns them.
   *
   * @default {"v4"}
   */
  specificationVersion?: "v3" | "v4" | undefined;
}

const OPTION_NAMES: OptionNames<FallbackLanguageModelOptions<never, never>> = {
  ...optionNamesOfChain(),
  modelId: true,
  supportedUrls: true,
  specificationVersion: true,
};

/** A `finish` part is always final here, so the option is removed. */
function optionNamesOfChain(): Omit<typeof CHAIN_OPTION_NAMES, "isFinal"> {
  const { isFinal: _, ...names } = CHAIN_OPTION_NAMES;
  return names;
}

/**
 * Wraps a chain as one language model, for `streamText`, `generateText`,
 * `streamObject`, agents and everything else that takes one. All models must be
 * of the same specification, v4 (AI SDK 7) or v3 (AI SDK 6); so is the chain.
 *
 * Its `modelId` is `"fallback:a,b"`. The response's metadata names the model that
 * answered, and `providerMetadata.fallback` has the attempts. A stream is read
 * only as fast as the SDK reads it, and closed when the SDK cancels it or its
 * `abortSignal` aborts. An answer that breaks off ends with an `error` part, whose
 * error `onError` receives and `attemptsOf` knows. So does an answer in which the
 * provider sent an `error` part: nothing says whether what follows is complete.
 *
 * `generateText` uses the same chain and the same rules: an answer without
 * content falls back. Its content is known only when the call returns, so
 * `firstContentMs` limits all of it.
 *
 * The SDK keeps a stream open that was left by `break`, or by a client that has
 * gone: give it an `abortSignal`, such as the request's, or set `totalMs`.
 *
 * Give `maxRetries: 0` to the SDK's functions, or they call the chain again
 * after an error that `fallbackOn` refuses. To retry, use the option `retry`.
 *
 * @param models The language models, in order of preference, or a function that
 * returns them for a request. A list is copied. If the function throws, or
 * returns no list of models, that is the error of the call.
 * @param options When to fall back, and how long to wait.
 * @returns The language model.
 *
 * @example A whole answer, and which model it is from
 * ```ts
 * import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
 * import { generateText } from "ai";
 * import { MockLanguageModelV4 } from "ai/test";
 * import { assertEquals } from "@std/assert";
 *
 * const gpt = new MockLanguageModelV4({
 *   modelId: "gpt",
 *   doGenerate: () => Promise.reject(new Error("overloaded")),
 * });
 * const claude = new MockLanguageModelV4({
 *   modelId: "claude",
 *   doGenerate: {
 *     content: [{ type: "text", text: "Hello" }],
 *     finishReason: { unified: "stop", raw: "stop" },
 *     usage: {
 *       inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
 *       outputTokens: { total: 1, text: 1, reasoning: 0 },
 *     },
 *     warnings: [],
 *   },
 * });
 *
 * const model = fallbackLanguageModel([gpt, claude]);
 * const answer = await generateText({ model, prompt: "Hi", maxRetries: 0 });
 * assertEquals(answer.text, "Hello");
 * assertEquals(answer.response.modelId, "claude");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind, or an option is
 * unknown.
 * @throws {TypeError} If the models are not all of the same specification.
 * @throws {RangeError} If `models` or `fallbackOn` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function fallbackLanguageModel(
  models:
    | readonly FallbackEntry<LanguageModelV4, LanguageModelV4CallOptions>[]
    | LanguageModelsByRequest<LanguageModelV4, LanguageModelV4CallOptions>,
  options?: FallbackLanguageModelOptions<
    LanguageModelV4CallOptions,
    LanguageModelV4StreamPart
  >,
): LanguageModelV4;
/**
 * Makes a chain of language models of specification v3 one of them, in the
 * types of their own SDK: those of AI SDK 6 and 7 are not the same.
 *
 * @typeParam Model The kind of model; inferred.
 * @param models The language models, in order of preference, or a function that
 * returns them for a request, with `specificationVersion: "v3"`.
 * @param options When to fall back, and how long to wait.
 * @returns The language model.
 *
 * @example Usage
 * ```ts
 * import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
 * import { MockLanguageModelV3 } from "ai/test";
 * import { assertEquals } from "@std/assert";
 *
 * const gpt = new MockLanguageModelV3({ modelId: "gpt" });
 * const claude = new MockLanguageModelV3({ modelId: "claude" });
 * const model = fallbackLanguageModel([gpt, claude]);
 * assertEquals(model.specificationVersion, "v3");
 * assertEquals(model.modelId, "fallback:gpt,claude");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind, or an option is
 * unknown.
 * @throws {TypeError} If the models are not all of the same specification.
 * @throws {RangeError} If `models` or `fallbackOn` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function fallbackLanguageModel<Model extends LanguageModelV3>(
  models:
    | readonly FallbackEntry<Model, LanguageModelV3CallOptions>[]
    | LanguageModelsByRequest<Model, LanguageModelV3CallOptions>,
  options?: FallbackLanguageModelOptions<
    LanguageModelV3CallOptions,
    LanguageModelV3StreamPart
  >,
): Pick<Model, keyof LanguageModelV3>;
export function fallbackLanguageModel(
  models: readonly unknown[] | ((request: never) => readonly unknown[]),
  options: FallbackLanguageModelOptions<never, never> = {},
): unknown {
  const entries = typeof models === "function" ? models : parseEntries(models);
  const names = typeof entries === "function"
    ? undefined
    : entries.map(({ name }) => name).join(",");
  // The models are filled in per call.
  const chain = parseChain(
    [unknownModel],
    options as FallbackOptions<unknown, unknown>,
    OPTION_NAMES,
  );
  const {
    specificationVersion = "v4",
    supportedUrls,
    modelId = names === undefined ? "fallback" : `fallback:${names}`,
  } = options;
  assertArgument(
    typeof modelId === "string",
    "options.modelId",
    "be a string",
    modelId,
  );
  assertArgument(
    specificationVersion === "v3" || specificationVersion === "v4",
    "options.specificationVersion",
    'be "v3" or "v4"',
    specificationVersion,
  );
  if (supportedUrls !== undefined) {
    assertObject("options.supportedUrls", supportedUrls);
  }
  return new ChainLanguageModel({
    specificationVersion: (typeof entries === "function"
      ? specificationVersion
      : entries[0]!.model.specificationVersion) as "v4",
    modelId,
    supportedUrls,
    entries: entries as never,
    chain: chain as unknown as LanguageModelChain,
  });
}

function unknownModel(): never {
  throw new TypeError("This model is never called");
}
