/**
 * Models of different providers in one chain.
 *
 * @module
 */

import {
  assertArgument,
  assertOptions,
  type OptionNames,
} from "./_shared/arguments.ts";
import { MappedSource } from "./engine/mapped_source.ts";
import { parseModel } from "./engine/chain.ts";
import type {
  Model,
  ModelContext,
  ModelLike,
  StreamSource,
} from "./types/model.ts";

/**
 * How requests and chunks are converted.
 *
 * @typeParam InnerRequest The request that the model takes.
 * @typeParam InnerChunk The chunks that the model sends.
 * @typeParam Request The request of the chain.
 * @typeParam Chunk The chunks of the chain.
 */
export interface ModelMapping<InnerRequest, InnerChunk, Request, Chunk> {
  /**
   * The name of the mapped model.
   *
   * @default {the name of the model}
   */
  name?: string | undefined;
  /**
   * Converts a request. An error that it throws is a failure of the attempt.
   *
   * @param request The request of the call. Declare its type: it is inferred
   * from here.
   * @param context The context of the attempt.
   * @returns The request for the model, or a promise of it.
   */
  request(
    request: Request,
    context: ModelContext,
  ): NoInfer<InnerRequest> | PromiseLike<NoInfer<InnerRequest>>;
  /**
   * Converts a chunk. An error that it throws is a failure of the attempt; after the
   * first content it ends the stream.
   *
   * @param chunk A chunk of the model.
   * @returns One chunk, several in an array, or `undefined` for none.
   */
  chunk(chunk: NoInfer<InnerChunk>): Chunk | readonly Chunk[] | undefined;
}

const MAPPING_NAMES: OptionNames<
  ModelMapping<never, never, never, never>
> = { name: true, request: true, chunk: true };

/**
 * Wraps a model so that its requests and chunks are converted. With it, models
 * of different providers fit into one chain.
 *
 * `isContent`, `isFinal` and `usage` of the model receive its own chunks, before
 * they are converted, also those that are converted to nothing. If the model does
 * not define `isContent` or `isFinal`, those of the call receive the converted
 * chunks. If neither defines `isContent`, a chunk is content if it is converted
 * to anything.
 *
 * @typeParam InnerRequest The request that the model takes; inferred.
 * @typeParam InnerChunk The chunks that the model sends; inferred.
 * @typeParam Request The request of the chain; inferred from `request`.
 * @typeParam Chunk The chunks of the chain; inferred from `chunk`.
 * @param model The model, or the function that opens its stream.
 * @param mapping How requests and chunks are converted.
 * @returns The mapped model. Its `provider` and `modelId` are the model's.
 *
 * @example A model with other requests and chunks
 * ```ts
 * import { fallbackStream, mapModel } from "@fallback/stream";
 * import { assertEquals } from "@std/assert";
 *
 * interface Delta {
 *   readonly type: "start" | "text";
 *   readonly text?: string;
 * }
 * async function* claude(request: { prompt: string }): AsyncGenerator<Delta> {
 *   yield { type: "start" };
 *   yield { type: "text", text: `You said: ${request.prompt}` };
 * }
 * async function* other(prompt: string): AsyncGenerator<string> {
 *   yield prompt;
 * }
 *
 * const mapped = mapModel(claude, {
 *   request: (prompt: string) => ({ prompt }),
 *   chunk: ({ text }) => text,
 * });
 * await using stream = await fallbackStream([mapped, other], "hi");
 * assertEquals(await Array.fromAsync(stream), ["You said: hi"]);
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind, or the model has no
 * name and `mapping.name` is not given.
 */
export function mapModel<InnerRequest, InnerChunk, Request, Chunk>(
  model: ModelLike<InnerRequest, InnerChunk>,
  mapping: ModelMapping<InnerRequest, InnerChunk, Request, Chunk>,
): Model<Request, Chunk> {
  assertOptions("mapping", mapping, MAPPING_NAMES);
  for (const key of ["request", "chunk"] as const) {
    assertArgument(
      typeof mapping[key] === "function",
      `mapping.${key}`,
      "be a function",
      mapping[key],
    );
  }
  const inner = parseModel(model, "model");
  const { name = inner.name } = mapping;
  assertArgument(
    typeof name === "string" && name !== "",
    "mapping.name",
    "be a string that is not empty, for the function has no name",
    name,
  );
  const mapChunk = (chunk: InnerChunk) => mapping.chunk(chunk);
  const wrap = (source: StreamSource<InnerChunk>) =>
    new MappedSource<InnerChunk, Chunk>(source, inner, mapChunk);
  const open = (request: InnerRequest, context: ModelContext) => {
    const source = inner.stream(request, context);
    return isThenable(source)
      ? Promise.resolve(source).then(wrap)
      : wrap(source);
  };
  return {
    name,
    modelId: inner.modelId,
    provider: inner.provider,
    stream(request, context) {
      const converted = mapping.request(request, context);
      return isThenable(converted)
        ? Promise.resolve(converted).then((each) => open(each, context))
        : open(converted, context);
    },
  };
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === "function";
}
