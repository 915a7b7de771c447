// A call within a call: its records hang under the attempt that runs it, and
// that attempt is closed only when the call is.

import type { Chain } from "./_chain.ts";
import type { CommittedStream } from "./_committed_stream.ts";
import { nest, type NestingContext } from "./_live_attempt.ts";
import { openChain } from "./fallback_stream.ts";
import type { Attempt } from "./types.ts";

/** Runs a call as a part of an attempt of another, which waits until it is closed. */
export function openWithin<Request, Chunk>(
  context: NestingContext,
  chain: Chain<Request, Chunk>,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<CommittedStream<Chunk>> {
  const attempts: Attempt[] = [];
  context[nest]?.(attempts);
  const opening = openChain(chain, request, signal, attempts);
  context.stack.defer(whenClosed(opening));
  return opening;
}

/** Closes, as soon as it is open, what is being opened. */
export function whenClosed(
  opening: Promise<AsyncDisposable>,
): () => Promise<void> {
  return async () => {
    // Why it could not be opened is thrown to whoever opens it.
    const stream = await opening.catch(() => undefined);
    await stream?.[Symbol.asyncDispose]();
  };
}
