// The language model that runs a chain: streams and whole answers.

import type {
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from "@ai-sdk/provider";
import { assertArgument, parseList } from "../_shared/arguments.ts";
import type { Chain } from "../engine/chain.ts";
import type { CommittedStream } from "../engine/committed_stream.ts";
import { openNested } from "../engine/nested_call.ts";
import { openChain } from "../engine/run_models.ts";
import { toReadableStream } from "../engine/to_readable_stream.ts";
import {
  type Entry,
  type NestedCallOptions,
  outerContext,
  parseEntry,
  toStreamModel,
} from "./ai_sdk_model.ts";
import { AnnotatedStream } from "./_annotated_stream.ts";
import { commonUrls, type Urls } from "./_common_urls.ts";
import { isContent } from "./_parts.ts";
import type { LanguageModelV4 } from "./specification.ts";
import { summary } from "./_summary.ts";
import { toWholeModel } from "./_whole_answer.ts";

type Part = LanguageModelV4StreamPart;

/** A chain whose models are resolved for each call. */
export type LanguageModelChain = Chain<NestedCallOptions, Part>;

/** The settings of a {@linkcode ChainLanguageModel}. */
export interface ChainModelInit {
  readonly specificationVersion: "v4";
  readonly modelId: string;
  readonly supportedUrls: Urls | undefined;
  /** The models, or the function that returns them for a request. */
  readonly entries:
    | readonly Entry[]
    | ((request: LanguageModelV4CallOptions) => readonly unknown[]);
  readonly chain: LanguageModelChain;
}

/** A language model that falls back. */
export class ChainLanguageModel implements LanguageModelV4 {
  readonly provider = "fallback";
  readonly specificationVersion: "v4";
  readonly modelId: string;
  readonly #init: ChainModelInit;

  constructor(init: ChainModelInit) {
    this.#init = init;
    this.specificationVersion = init.specificationVersion;
    this.modelId = init.modelId;
  }

  /** The URLs that every model can fetch: any of them may get the request. */
  get supportedUrls(): PromiseLike<Urls> | Urls {
    const { supportedUrls, entries } = this.#init;
    if (supportedUrls) return supportedUrls;
    if (typeof entries === "function") return {};
    return commonUrls(entries.map(({ model }) => model));
  }

  async doStream(
    options: NestedCallOptions,
  ): Promise<LanguageModelV4StreamResult> {
    const entries = this.#entriesFor(options);
    const results = new Map<number, LanguageModelV4StreamResult>();
    const contentPredicate = this.#init.chain.options.isContent
      ? undefined
      : isContent;
    const models = entries.map((entry) =>
      toStreamModel(entry, contentPredicate, (result, attemptNumber) => {
        results.set(attemptNumber, result);
      })
    );
    const chain = { ...this.#init.chain, models };
    const stream = await open(chain, options);
    const { modelIndex, number } = stream.attempt;
    const annotated = new AnnotatedStream(
      stream,
      entries[modelIndex]!.model.modelId,
      options.abortSignal,
    );
    return { ...results.get(number), stream: toReadableStream(annotated) };
  }

  async doGenerate(
    options: NestedCallOptions,
  ): Promise<LanguageModelV4GenerateResult> {
    const { chain } = this.#init;
    const entries = this.#entriesFor(options);
    const models = entries.map((entry) => toWholeModel(entry, chain.options));
    // The models bring their own predicates, so that `isContent` of the options,
    // which takes parts, is not called with whole answers.
    const wholeChain = { ...chain, models } as unknown as Chain<
      NestedCallOptions,
      LanguageModelV4GenerateResult
    >;
    await using stream = await open(wholeChain, options);
    const [result] = await Array.fromAsync(stream);
    const { model } = entries[stream.attempt.modelIndex]!;
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

  /** Resolves the models for one call. */
  #entriesFor(request: LanguageModelV4CallOptions): readonly Entry[] {
    const { entries, specificationVersion } = this.#init;
    return typeof entries === "function"
      ? parseEntries(entries(request), specificationVersion)
      : entries;
  }
}

/**
 * Checks a list of models.
 *
 * @param expected The specification of all of them; by default the first one's.
 */
export function parseEntries(models: unknown, expected?: string): Entry[] {
  assertArgument(Array.isArray(models), "models", "be an array", models);
  const entries = parseList<unknown>("models", models)
    .map((model, i) => parseEntry(model, `models[${i}]`));
  const version = expected ?? entries[0]!.model.specificationVersion;
  for (const [i, { model }] of entries.entries()) {
    assertArgument(
      model.specificationVersion === version,
      `models[${i}]`,
      `be of specification ${version}, as ${
        expected ? "'options.specificationVersion' says" : "the first is"
      }`,
      model.specificationVersion,
    );
  }
  return entries;
}

/** Runs one call, nested in the attempt of an outer chain if there is one. */
function open<Chunk>(
  chain: Chain<NestedCallOptions, Chunk>,
  options: NestedCallOptions,
): Promise<CommittedStream<Chunk>> {
  const { [outerContext]: outer, abortSignal } = options;
  return outer
    ? openNested(outer, chain, options, abortSignal)
    : openChain(chain, options, abortSignal);
}
