// A call within a call: its attempts are recorded under the attempt that runs
// it, and that attempt is closed only after the call is.

import { attemptRecord, type NestingContext } from "./attempt_runner.ts";
import { CallLog, writeRecord } from "./call_log.ts";
import type { Chain } from "./chain.ts";
import type { CommittedStream } from "./committed_stream.ts";
import { openChain } from "./run_models.ts";

/** Runs a call inside an attempt of another call. */
export function openNested<Request, Chunk>(
  context: NestingContext,
  chain: Chain<Request, Chunk>,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<CommittedStream<Chunk>> {
  const log = new CallLog(chain);
  const record = context[attemptRecord];
  if (record) writeRecord(record, "nested", log.attempts);
  return openOnStack(
    context.stack,
    () => openChain(chain, request, signal, log),
  );
}

/**
 * Opens a stream that is closed with a stack. It is put on the stack before it
 * is opened: an abort that comes meanwhile has to wait for it, too.
 */
export function openOnStack<Stream extends AsyncDisposable>(
  stack: Pick<AsyncDisposableStack, "defer">,
  open: () => Promise<Stream>,
): Promise<Stream> {
  const { promise, resolve } = Promise.withResolvers<Stream>();
  stack.defer(async () => {
    // Why it could not be opened is thrown to the caller of `open`.
    const stream = await promise.catch(() => undefined);
    await stream?.[Symbol.asyncDispose]();
  });
  resolve(open());
  return promise;
}
