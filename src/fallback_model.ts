/**
 * A chain as one model, so that chains nest.
 *
 * @module
 */

import { assertArgument } from "./_shared/arguments.ts";
import type { NestingContext } from "./engine/attempt_runner.ts";
import { CHAIN_OPTION_NAMES, parseChain, parseModels } from "./engine/chain.ts";
import { openNested } from "./engine/nested_call.ts";
import type { Model, ModelLike } from "./types/model.ts";
import type { FallbackOptions } from "./types/options.ts";

/**
 * Options of {@linkcode fallbackModel}: those of `fallbackStream`, without the
 * signal, which is that of the outer attempt.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 */
export interface FallbackModelOptions<Request, Chunk>
  extends Omit<FallbackOptions<Request, Chunk>, "signal"> {
  /**
   * The name of the model.
   *
   * @default {"fallback:a,b" for a list, "fallback" for a function}
   */
  name?: string | undefined;
}

/**
 * Returns the models for a request, in order of preference. It must be
 * synchronous. It is called once per call.
 *
 * @typeParam Request The type of the request.
 * @typeParam Chunk The type of one chunk of an answer.
 * @param request The request of the call.
 * @returns The models.
 */
export type ModelsByRequest<Request, Chunk> = (
  request: Request,
) => readonly ModelLike<Request, Chunk>[];

const OPTION_NAMES = { ...CHAIN_OPTION_NAMES, name: true } as const;

/**
 * Wraps a chain as a single model, so that chains can be nested. Its attempts
 * are the `nested` attempts of the outer one, and the outer chain waits until
 * everything that the inner one has opened is closed.
 *
 * @typeParam Request The type of the request; inferred from the models.
 * @typeParam Chunk The type of one chunk; inferred from the models.
 * @param models The models, in order of preference, or a function that returns
 * them for a request. A list is copied. If the function throws, or returns no
 * list of models, that is the error of the call.
 * @param options As for {@linkcode fallbackStream}, and a name.
 * @returns A model named after its models: `"fallback:a,b"`.
 *
 * @example A cheap pair with short timeouts, then a slow last resort
 * ```ts
 * import { fallbackModel, fallbackStream } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const cheap = fakeModel("cheap", [step.fail(new Error("overloaded"))]);
 * const other = fakeModel("other", ["Hello"]);
 * const pair = fallbackModel([cheap, other], {
 *   timeouts: { firstContentMs: 2000 },
 * });
 * const sure = fakeModel("sure", ["Good day"]);
 *
 * await using stream = await fallbackStream([pair, sure], "hi");
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * assertEquals(stream.model, "other");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind, or an option is
 * unknown.
 * @throws {RangeError} If `models` or a condition is an empty list.
 * @throws {RangeError} If a number is out of range.
 */
export function fallbackModel<Request, Chunk>(
  models:
    | readonly ModelLike<Request, Chunk>[]
    | ModelsByRequest<Request, Chunk>,
  options: FallbackModelOptions<NoInfer<Request>, NoInfer<Chunk>> = {},
): Model<Request, Chunk> {
  const modelsFor = typeof models === "function" ? models : undefined;
  // The models of a function are not known yet.
  const chain = parseChain(
    typeof models === "function" ? [unknownModel] : models,
    options,
    OPTION_NAMES,
  );
  const { name = modelsFor ? "fallback" : nameOf(chain.models) } = options;
  assertArgument(
    typeof name === "string",
    "options.name",
    "be a string",
    name,
  );
  return {
    name,
    stream(request: Request, context: NestingContext) {
      const callChain = modelsFor
        ? { ...chain, models: parseModels(modelsFor(request)) }
        : chain;
      return openNested(context, callChain, request, context.signal);
    },
  };
}

function nameOf(models: readonly { readonly name: string }[]): string {
  return `fallback:${models.map(({ name }) => name).join(",")}`;
}

function unknownModel(): never {
  throw new TypeError("This model is never called");
}
