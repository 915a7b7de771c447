/**
 * Continuing an answer that broke off.
 *
 * @module
 */

import { CHAIN_OPTION_NAMES, parseChain } from "../engine/chain.ts";
import { assertArgument, assertFunction } from "../_shared/arguments.ts";
import type { ModelLike } from "../types/model.ts";
import type { FallbackStream } from "../types/stream.ts";
import { ContinuedStream } from "./continued_stream.ts";
import type { ContinueOptions, DeliveryLog } from "./options.ts";

const OPTION_NAMES = {
  ...CHAIN_OPTION_NAMES,
  signal: true,
  resume: true,
  splice: true,
} as const;

/**
 * Like {@linkcode fallbackStream}, but an answer that breaks off is continued:
 * the models after the failed one get the request that `resume` makes, and their
 * chunks follow, without their preamble. The delivered chunks are kept for that.
 * `totalMs` is for all models together. For events, for `health` and for the
 * spans of `./otel`, each of them is a call of its own.
 *
 * @typeParam Request The type of the request; inferred from the models.
 * @typeParam Chunk The type of one chunk; inferred from the models.
 * @param models The models, in order of preference. The list is copied.
 * @param request The request of the first models.
 * @param options As for {@linkcode fallbackStream}, and `resume` and `splice`.
 * @returns The answer. Its `model` is the one that answers at the moment. It may
 * also throw an {@linkcode AllModelsFailedError}, with the interruption among
 * its errors, a `SuppressedError` of what `resume` threw over the interruption,
 * or what `splice` throws, such as a {@linkcode ContinuationError}.
 *
 * @example Continue only if the connection broke
 * ```ts
 * import { continueStream } from "@fallback/stream/continue";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const broken = fakeModel("broken", ["1, 2, ", step.fail(new Error("filtered"))]);
 * const next = fakeModel("next", ["3"]);
 *
 * await using stream = await continueStream([broken, next], "Count to 3", {
 *   resume({ request, chunks, error }) {
 *     if (error instanceof TypeError) return `${request}: ${chunks.join("")}`;
 *   },
 * });
 * assertEquals(await stream.next(), { done: false, value: "1, 2, " });
 * await assertRejects(() => stream.next(), Error, "filtered");
 * ```
 *
 * @throws {TypeError} If `resume` is missing, or an argument is of the wrong
 * kind.
 * @throws Whatever else {@linkcode fallbackStream} throws.
 */
export async function continueStream<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: NoInfer<Request>,
  options: ContinueOptions<NoInfer<Request>, NoInfer<Chunk>>,
): Promise<FallbackStream<Chunk>> {
  const chunks: Chunk[] = [];
  return await openContinued(models, request, options, {
    add: (chunk) => void chunks.push(chunk),
    chunks: () => chunks.slice(),
  });
}

/** The same, with another way to keep the delivered chunks. */
export async function openContinued<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: Request,
  options: ContinueOptions<Request, Chunk>,
  log: DeliveryLog<Chunk>,
): Promise<FallbackStream<Chunk>> {
  const chain = parseChain(models, options, OPTION_NAMES);
  const { resume, splice } = options;
  assertArgument(
    typeof resume === "function",
    "options.resume",
    "be a function",
    resume,
  );
  assertFunction("options.splice", splice);
  return await new ContinuedStream(chain, request, options, log).open();
}
