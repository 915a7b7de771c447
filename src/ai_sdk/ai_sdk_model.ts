/**
 * A language model of the AI SDK as a model of a chain.
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
import {
  assertArgument,
  assertObject,
  assertOptions,
  type OptionNames,
} from "../_shared/arguments.ts";
import { describeValue } from "../_shared/error_text.ts";
import type { NestingContext } from "../engine/attempt_runner.ts";
import type { Model } from "../types/model.ts";
import { finalPredicate, isContent } from "./_parts.ts";
import { usage } from "./_usage.ts";

/**
 * Options of a language model in a chain.
 *
 * @typeParam CallOptions The options of the model's calls.
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
   * Overrides the `providerOptions` of the call, provider by provider and
   * option by option.
   */
  readonly providerOptions?: ProviderOptions | undefined;
  /**
   * Overrides the settings of the call: a temperature, a limit of tokens.
   * `undefined` removes a setting. Headers are overridden one by one; the
   * case of their names does not matter.
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
 * Text, reasoning, a source, a file, and the input, call, result or approval of
 * a tool are content. `custom` parts and parts of unknown types are not, unless
 * they have a `text` or `delta`. `finish` is final.
 *
 * An `error` part is thrown wherever it comes, as the `Error` that it holds or as
 * a {@linkcode StreamPartError}. A `finish` that stands for a missing end
 * (`"interrupted"`, or `"other"` without a raw value) is a
 * `TruncatedStreamError`, and one with `"error"` a `StreamPartError`.
 *
 * @param model The language model.
 * @param options Its name, settings and provider options.
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
 * @throws {TypeError} If an option is of the wrong kind, or unknown.
 */
export function aiSdkModel(
  model: LanguageModelV4,
  options?: AiSdkModelOptions<LanguageModelV4CallOptions>,
): Model<LanguageModelV4CallOptions, LanguageModelV4StreamPart>;
/**
 * Makes a model of a language model of specification v3.
 *
 * @param model The language model.
 * @param options Its name, settings and provider options.
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
 * @throws {TypeError} If an option is of the wrong kind, or unknown.
 */
export function aiSdkModel(
  model: LanguageModelV3,
  options?: AiSdkModelOptions<LanguageModelV3CallOptions>,
): Model<LanguageModelV3CallOptions, LanguageModelV3StreamPart>;
export function aiSdkModel(
  model: unknown,
  options: AiSdkModelOptions<LanguageModelV4CallOptions> = {},
): unknown {
  assertOptions("options", options, OPTION_NAMES);
  return toStreamModel(parseModel(model, options), isContent);
}

const OPTION_NAMES: OptionNames<AiSdkModelOptions<never>> = {
  name: true,
  providerOptions: true,
  settings: true,
};

const ENTRY_NAMES = { ...OPTION_NAMES, model: true } as const;

/** Checks a language model and its options, which are two arguments. */
export function parseModel(
  model: unknown,
  options: AiSdkModelOptions<LanguageModelV4CallOptions>,
): Entry {
  assertModel("model", model, model);
  return toEntry(model, { ...options }, "options");
}

/** Checks a language model, or one with its options. */
export function parseEntry(given: unknown, argument: string): Entry {
  const isModel = typeof Object(given).doStream === "function";
  const { model, ...options } = isModel ? { model: given } : Object(given);
  assertModel(argument, model, given);
  if (!isModel) assertOptions(argument, Object(given), ENTRY_NAMES);
  return toEntry(model, options, argument);
}

function assertModel(
  argument: string,
  model: unknown,
  given: unknown,
): asserts model is LanguageModelV4 {
  const { specificationVersion, modelId, doStream } = Object(model);
  const isKnown = specificationVersion === "v4" ||
    specificationVersion === "v3";
  if (isKnown && typeof doStream === "function") return;
  const shown =
    typeof modelId === "string" && specificationVersion !== undefined
      ? `${modelId} of specification ${specificationVersion}`
      : describeValue(given);
  throw new TypeError(
    `'${argument}' must be a language model of specification v3 or v4: current value is ${shown}`,
  );
}

function toEntry(
  model: LanguageModelV4,
  options: Entry["options"],
  path: string,
): Entry {
  const { name = model.modelId, providerOptions, settings } = options;
  assertArgument(
    typeof name === "string",
    `${path}.name`,
    "be a string",
    name,
  );
  for (const [key, value] of Object.entries({ providerOptions, settings })) {
    if (value !== undefined) assertObject(`${path}.${key}`, value);
  }
  return { model, name, options };
}

/**
 * A model that streams.
 *
 * @param isContent Which parts are content. Without it the options of the call
 * decide.
 * @param onOpened Receives the result of `doStream` and the attempt's number.
 */
export function toStreamModel(
  entry: Entry,
  isContent: StreamingModel["isContent"],
  onOpened?: (result: StreamResult, attemptNumber: number) => void,
): StreamingModel {
  return {
    name: entry.name,
    modelId: entry.model.modelId,
    provider: entry.model.provider,
    ...(isContent && { isContent }),
    isFinal: finalPredicate(entry.name),
    usage,
    async stream(request, context) {
      const result = await entry.model.doStream(
        callOptions(entry, request, context),
      );
      onOpened?.(result, context.attemptNumber);
      return result.stream;
    },
  };
}

type StreamingModel = Model<
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart
>;
type StreamResult = Awaited<ReturnType<LanguageModelV4["doStream"]>>;

/** The key of the attempt in which a chain is called. */
export const outerContext: unique symbol = Symbol("outerContext");

/** {@linkcode LanguageModelV4CallOptions} in which a chain finds that attempt. */
export interface NestedCallOptions extends LanguageModelV4CallOptions {
  [outerContext]?: NestingContext;
}

/** The call options for one model in one attempt. */
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
    headers: mergeHeaders(request.headers, settings?.headers),
    providerOptions,
    abortSignal: context.signal,
    [outerContext]: context,
  };
}

type CallHeaders = LanguageModelV4CallOptions["headers"];

/** Names are compared as HTTP does: without their case. */
function mergeHeaders(
  headers: CallHeaders,
  own: CallHeaders,
): NonNullable<CallHeaders> {
  const names = new Set(
    Object.keys(own ?? {}).map((name) => name.toLowerCase()),
  );
  const others = Object.entries(headers ?? {})
    .filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(others), ...own };
}
