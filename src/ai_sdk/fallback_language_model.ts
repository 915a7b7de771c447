/**
 * A chain as a language model of the AI SDK.
 *
 * @module
 */

import type {
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamResult,
} from "@ai-sdk/provider";
import { assertArgument, parseList } from "../_shared/arguments.ts";
import { type Chain, CHAIN_OPTION_NAMES, parseChain } from "../engine/chain.ts";
import type { CommittedStream } from "../engine/committed_stream.ts";
import { toReadableStream } from "../engine/to_readable_stream.ts";
import { openNested } from "../engine/nested_call.ts";
import { openChain } from "../engine/run_models.ts";
import type { FallbackOptions } from "../types/options.ts";
import type { Model } from "../types/model.ts";
import { commonUrls } from "./_common_urls.ts";
import { isContent, isFinal } from "./_parts.ts";
import { summary } from "./_summary.ts";
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
} from "./specification.ts";
import { AnnotatedStream } from "./_annotated_stream.ts";
import {
  type AiSdkModelOptions,
  callOptions,
  type Entry,
  type NestedCallOptions,
  outerContext,
  parseEntry,
  toStreamModel,
} from "./ai_sdk_model.ts";

/**
 * A language model of a chain, or one with what is special about it there.
 *
 * @typeParam LanguageModel The kind of model.
 * @typeParam CallOptions What it is asked.
 */
export type FallbackEntry<LanguageModel, CallOptions> =
  | LanguageModel
  | (AiSdkModelOptions<CallOptions> & {
    /** The language model. */
    readonly model: LanguageModel;
  });

/**
 * Options of {@linkcode fallbackLanguageModel}: those of `fallbackStream`. The
 * signal is the call's own `abortSignal`, and a `finish` part is final.
 *
 * @typeParam CallOptions What is asked.
 * @typeParam StreamPart One part of an answer.
 */
export type FallbackLanguageModelOptions<CallOptions, StreamPart> = Omit<
  FallbackOptions<CallOptions, StreamPart>,
  "signal" | "isFinal"
>;

/**
 * Makes a chain one language model, for `streamText`, `generateText`,
 * `streamObject`, agents and whatever else takes one. All models must be of the
 * same specification, v4 (AI SDK 7) or v3 (AI SDK 6); so is the chain.
 *
 * Its `modelId` is `"fallback:a,b"`; the model that has answered is in the
 * response's metadata, and what was tried in `providerMetadata.fallback`. A
 * stream is read only as fast as the SDK reads it, and closed when the SDK
 * cancels it or its `abortSignal` aborts. What cuts an answer is an `error` part
 * of it, so that `onError` hears of it. `generateText` gets the same chain,
 * where a call that returns is content: `firstContentMs` then limits all of it.
 *
 * The SDK keeps a stream open that was left by `break`, or by a client that has
 * gone: give it an `abortSignal`, such as the request's, or set `totalMs`.
 *
 * Give `maxRetries: 0` to the SDK's functions: a chain that has failed is
 * worth no retry, and a `retry` among the options comes before that.
 *
 * @param models The language models, best first. The list is copied.
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
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {TypeError} If the models are not all of the same specification.
 * @throws {RangeError} If `models` or `fallbackOn` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function fallbackLanguageModel(
  models: readonly FallbackEntry<LanguageModelV4, LanguageModelV4CallOptions>[],
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
 * @param models The language models, best first. The list is copied.
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
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {TypeError} If the models are not all of the same specification.
 * @throws {RangeError} If `models` or `fallbackOn` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function fallbackLanguageModel<Model extends LanguageModelV3>(
  models: readonly FallbackEntry<Model, LanguageModelV3CallOptions>[],
  options?: FallbackLanguageModelOptions<
    LanguageModelV3CallOptions,
    LanguageModelV3StreamPart
  >,
): Pick<Model, keyof LanguageModelV3>;
export function fallbackLanguageModel(
  models: readonly unknown[],
  options: object = {},
): unknown {
  assertArgument(Array.isArray(models), "models", "be an array", models);
  const entries = parseList("models", models)
    .map((model, i) => parseEntry(model, `models[${i}]`));
  const { specificationVersion } = entries[0]!.model;
  for (const [i, { model }] of entries.entries()) {
    assertArgument(
      model.specificationVersion === specificationVersion,
      `models[${i}]`,
      `be of specification ${specificationVersion}, as the first is`,
      model.specificationVersion,
    );
  }
  const chain = parseChain(
    entries.map((entry) => toStreamModel(entry, {})),
    options as FallbackOptions<Request, Part>,
    CHAIN_OPTION_NAMES,
  );
  const names = entries.map(({ name }) => name);
  return new FallbackLanguageModel(
    specificationVersion,
    `fallback:${names.join(",")}`,
    entries,
    chain,
  );
}

type Request = NestedCallOptions;
type Part = LanguageModelV4StreamPart;

/** What {@linkcode fallbackLanguageModel} gives. */
class FallbackLanguageModel implements LanguageModelV4 {
  readonly provider = "fallback";
  readonly #entries: readonly Entry[];
  readonly #chain: Chain<Request, Part>;

  constructor(
    readonly specificationVersion: "v4",
    readonly modelId: string,
    entries: readonly Entry[],
    chain: Chain<Request, Part>,
  ) {
    this.#entries = entries;
    this.#chain = chain;
  }

  /** What all models can fetch themselves, for any of them may have to. */
  get supportedUrls(): PromiseLike<Record<string, RegExp[]>> {
    return commonUrls(this.#entries.map(({ model }) => model));
  }

  async doStream(options: Request): Promise<LanguageModelV4StreamResult> {
    const results = new Map<number, LanguageModelV4StreamResult>();
    const judges = this.#chain.options.isContent
      ? { isFinal }
      : { isContent, isFinal };
    const models = this.#entries.map((entry) =>
      toStreamModel(entry, judges, (result, attempt) => {
        results.set(attempt, result);
      })
    );
    const chain = { ...this.#chain, models };
    const stream = await open(chain, options);
    const { modelIndex, number } = stream.attempt;
    const { model } = this.#entries[modelIndex]!;
    const told = new AnnotatedStream(
      stream,
      model.modelId,
      options.abortSignal,
    );
    return { ...results.get(number), stream: toReadableStream(told) };
  }

  async doGenerate(options: Request): Promise<LanguageModelV4GenerateResult> {
    const models = this.#entries.map(toGenerateModel);
    // The models judge their chunks themselves, so `isContent` is never asked.
    const chain = { ...this.#chain, models } as unknown as Chain<
      Request,
      LanguageModelV4GenerateResult
    >;
    await using stream = await open(chain, options);
    const [result] = await Array.fromAsync(stream);
    const { model } = this.#entries[stream.attempt.modelIndex]!;
    return {
      ...result!,
      response: {
        ...result!.response,
        modelId: result!.response?.modelId ?? model.modelId,
      },
      providerMetadata: {
        ...result!.providerMetadata,
        fallback: summary(stream.attempts),
      },
    };
  }
}

/** A model that gives one whole answer as its only chunk. */
function toGenerateModel(
  entry: Entry,
): Model<Request, LanguageModelV4GenerateResult> {
  return {
    name: entry.name,
    provider: entry.model.provider,
    isContent: () => true,
    isFinal: () => true,
    async *stream(request, context) {
      yield await entry.model.doGenerate(callOptions(entry, request, context));
    },
  };
}

/** Runs one call, within the attempt that asks for it if that is one of ours. */
function open<Chunk>(
  chain: Chain<Request, Chunk>,
  options: Request,
): Promise<CommittedStream<Chunk>> {
  const { [outerContext]: outer, abortSignal } = options;
  return outer
    ? openNested(outer, chain, options, abortSignal)
    : openChain(chain, options, abortSignal);
}
