/**
 * A language model of the AI SDK in a chain of ours.
 *
 * @module
 */

import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  ProviderOptions,
} from "./specification.ts";
import { assertArgument, assertObject } from "../_shared/arguments.ts";
import type { NestingContext } from "../engine/attempt_runner.ts";
import type { Model } from "../types/model.ts";
import { isContent, isFinal } from "./_parts.ts";

/**
 * What is special about a language model in a chain.
 *
 * @typeParam CallOptions What the model is asked.
 */
export interface AiSdkModelOptions<CallOptions> {
  /**
   * Names the model in records, events and errors, and in a health store. Give
   * it a name of its own where two providers have a model of the same id.
   *
   * @default {model.modelId}
   */
  readonly name?: string | undefined;
  /**
   * Wins over the `providerOptions` of the call, provider by provider and
   * option by option.
   */
  readonly providerOptions?: ProviderOptions | undefined;
  /**
   * Wins over the settings of the call: a temperature, a limit of tokens.
   * `undefined` takes a setting away. Headers win one by one.
   */
  readonly settings?:
    | {
      readonly [
        Name in Exclude<
          keyof CallOptions,
          "prompt" | "abortSignal" | "providerOptions"
        >
      ]?: CallOptions[Name] | undefined;
    }
    | undefined;
}

/** A language model with its options, checked. */
export interface Entry {
  readonly model: LanguageModelV4;
  readonly name: string;
  readonly options: AiSdkModelOptions<LanguageModelV4CallOptions>;
}

/**
 * Makes a model of a language model of the AI SDK, of specification v4 (AI SDK
 * 7) or v3 (AI SDK 6). Its request is the options of `doStream`, its chunks are
 * the parts of the stream.
 *
 * Text, reasoning, a source, a file, a `custom` part, and the input, call,
 * result or approval of a tool are content; `finish` is final. An `error` part
 * is thrown, wherever it comes.
 *
 * @param model The language model.
 * @param options What is special about it.
 * @returns The model, named `options.name` or else the `modelId`.
 *
 * @example An error inside the stream
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { aiSdkModel } from "@fallback/stream/ai-sdk";
 * import { simulateReadableStream } from "ai";
 * import { MockLanguageModelV4 } from "ai/test";
 * import { assertRejects } from "@std/assert";
 *
 * const mock = new MockLanguageModelV4({
 *   modelId: "gpt-4o",
 *   doStream: () =>
 *     Promise.resolve({
 *       stream: simulateReadableStream({
 *         chunks: [{ type: "error", error: new Error("overloaded") }],
 *       }),
 *     }),
 * });
 *
 * const prompt = [
 *   { role: "user" as const, content: [{ type: "text" as const, text: "Hi" }] },
 * ];
 * await assertRejects(
 *   () => fallbackStream([aiSdkModel(mock)], { prompt }),
 *   AggregateError,
 *   "gpt-4o: overloaded",
 * );
 * ```
 *
 * @throws {TypeError} If `model` is no language model of v3 or v4.
 * @throws {TypeError} If an option is of the wrong kind.
 */
export function aiSdkModel(
  model: LanguageModelV4,
  options?: AiSdkModelOptions<LanguageModelV4CallOptions>,
): Model<LanguageModelV4CallOptions, LanguageModelV4StreamPart>;
/**
 * Makes a model of a language model of specification v3.
 *
 * @param model The language model.
 * @param options What is special about it.
 * @returns The model, named `options.name` or else the `modelId`.
 *
 * @example One of several providers of a model
 * ```ts
 * import { aiSdkModel } from "@fallback/stream/ai-sdk";
 * import { MockLanguageModelV3 } from "ai/test";
 * import { assertEquals } from "@std/assert";
 *
 * const mock = new MockLanguageModelV3({ modelId: "gpt-4o" });
 * const model = aiSdkModel(mock, { name: "gpt-4o on Azure" });
 * assertEquals(model.name, "gpt-4o on Azure");
 * ```
 *
 * @throws {TypeError} If `model` is no language model of v3 or v4.
 * @throws {TypeError} If an option is of the wrong kind.
 */
export function aiSdkModel(
  model: LanguageModelV3,
  options?: AiSdkModelOptions<LanguageModelV3CallOptions>,
): Model<LanguageModelV3CallOptions, LanguageModelV3StreamPart>;
export function aiSdkModel(
  model: unknown,
  options: object = {},
): unknown {
  const entry = parseEntry({ ...options, model }, "model");
  return toStreamModel(entry, { isContent, isFinal });
}

/** Checks a language model, or one with its options. */
export function parseEntry(given: unknown, argument: string): Entry {
  const isModel = typeof Object(given).doStream === "function";
  const { model, ...options } = isModel ? { model: given } : Object(given);
  const { specificationVersion, modelId, doStream } = Object(model);
  const { name = modelId, providerOptions, settings } = options;
  const isKnown = specificationVersion === "v4" ||
    specificationVersion === "v3";
  assertArgument(
    isKnown && typeof doStream === "function",
    argument,
    "be a language model of specification v3 or v4",
    modelId ?? given,
  );
  assertArgument(
    typeof name === "string",
    `${argument}.name`,
    "be a string",
    name,
  );
  for (const [key, value] of Object.entries({ providerOptions, settings })) {
    if (value !== undefined) assertObject(`${argument}.${key}`, value);
  }
  return { model, name, options };
}

/**
 * A model that streams.
 *
 * @param judges Which parts are content, and which is final.
 * @param opened Is told what `doStream` gave, and to which attempt.
 */
export function toStreamModel(
  entry: Entry,
  judges: Pick<StreamingModel, "isContent" | "isFinal">,
  opened?: (result: StreamResult, attempt: number) => void,
): StreamingModel {
  return {
    name: entry.name,
    provider: entry.model.provider,
    ...judges,
    async stream(request, context) {
      const result = await entry.model.doStream(
        callOptions(entry, request, context),
      );
      opened?.(result, context.attemptNumber);
      return result.stream;
    },
  };
}

type StreamingModel = Model<
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart
>;
type StreamResult = Awaited<ReturnType<LanguageModelV4["doStream"]>>;

/** Where a chain that is asked finds the attempt that asks it. */
export const outerContext: unique symbol = Symbol("asker");

/** {@linkcode LanguageModelV4CallOptions} as a chain knows them. */
export interface NestedCallOptions extends LanguageModelV4CallOptions {
  [outerContext]?: NestingContext;
}

/** What this model is asked, in this attempt. */
export function callOptions(
  { options }: Entry,
  request: LanguageModelV4CallOptions,
  context: NestingContext,
): NestedCallOptions {
  const { settings } = options;
  const providerOptions = { ...request.providerOptions };
  for (const [provider, own] of Object.entries(options.providerOptions ?? {})) {
    providerOptions[provider] = { ...providerOptions[provider], ...own };
  }
  return {
    ...request,
    ...settings as Partial<LanguageModelV4CallOptions>,
    headers: { ...request.headers, ...settings?.headers },
    providerOptions,
    abortSignal: context.signal,
    [outerContext]: context,
  };
}
