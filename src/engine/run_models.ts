// The loop: models in order of preference, until one answers.

import { linkAttempts } from "../attempts_of.ts";
import { shouldFallBack } from "../policies/fallback.ts";
import { admitModel, prepareStore } from "../policies/health.ts";
import { HedgeRace } from "../policies/hedge.ts";
import { waitForRetry } from "../policies/retry.ts";
import { AttemptRunner } from "./attempt_runner.ts";
import { Call } from "./call.ts";
import type { CallLog } from "./call_log.ts";
import type { Chain } from "./chain.ts";
import { CommittedStream } from "./committed_stream.ts";
import type { Failure } from "./failure.ts";
import { type Candidate, ModelQueue } from "./model_queue.ts";

/**
 * Runs one call of a chain.
 *
 * @param log Where the attempts are recorded, if the call shares it.
 * @param from The position of the model that is tried first.
 */
export function openChain<Request, Chunk>(
  chain: Chain<Request, Chunk>,
  request: Request,
  signal: AbortSignal | undefined,
  log?: CallLog,
  from = 0,
): Promise<CommittedStream<Chunk>> {
  const call = new Call(chain, log);
  return call.log.hooks.length === 0
    ? runCall(call, request, signal, from)
    : call.log.runInContext(() => runCall(call, request, signal, from));
}

async function runCall<Request, Chunk>(
  call: Call<Request, Chunk>,
  request: Request,
  signal: AbortSignal | undefined,
  from: number,
): Promise<CommittedStream<Chunk>> {
  const { log, scope } = call;
  try {
    call.start(signal);
    scope.throwIfCancelled();
    prepareStore(call, from);
    scope.throwIfCancelled();
    call.chain.hedge?.options.budget?.earn();
    scope.throwIfCancelled();
    const stream = await raceModels(call, request, from);
    scope.throwIfCancelled();
    if (stream) return stream;
    throw log.allModelsFailed();
  } catch (error) {
    scope.fail({ error });
    await call.settled();
    const failure = scope.cancelled ?? { error };
    linkAttempts(failure.error, log.attempts);
    throw failure.error;
  }
}

/**
 * Starts the next model when one has failed or, as a hedge, beside one that is
 * slow. Returns the first stream, or `undefined` if every model has failed.
 */
async function raceModels<Request, Chunk>(
  call: Call<Request, Chunk>,
  request: Request,
  from: number,
): Promise<CommittedStream<Chunk> | undefined> {
  const { models, hedge } = call.chain;
  const queue = new ModelQueue(models, from);
  const run = (candidate: Candidate<Request, Chunk>) =>
    runModel(call, candidate, queue, request);
  if (hedge) {
    const race = new HedgeRace(call, hedge, queue, run);
    call.race = race;
    return await race.run();
  }
  let stream: CommittedStream<Chunk> | undefined;
  while (!stream && queue.hasNext && call.scope.isActive) {
    stream = await run(queue.take()!);
  }
  return stream;
}

/**
 * Runs a model with its retries.
 *
 * @returns Its stream, or `undefined` if its attempts are exhausted, the store
 * has refused it, or another model has won.
 */
async function runModel<Request, Chunk>(
  call: Call<Request, Chunk>,
  candidate: Candidate<Request, Chunk>,
  queue: ModelQueue<Request, Chunk>,
  request: Request,
): Promise<CommittedStream<Chunk> | undefined> {
  const { chain, log, scope } = call;
  const { model, index } = candidate;
  for (let attempts = candidate.attempts;; attempts++) {
    const verdict = chain.health && !candidate.isSkipped
      ? await admitModel(call, model, index, attempts > 0)
      : "unknown";
    // Synchronous from here to the attempt, so that no abort is missed.
    if (!scope.isActive) {
      if (verdict === "admitted") log.report(model.name, "released");
      return undefined;
    }
    if (verdict === "refused") {
      queue.addSkipped({ model, index, attempts, isSkipped: true });
      return undefined;
    }
    const attempt = new AttemptRunner(call, model, index);
    const result = await runAttempt(call, attempt, request);
    if (result instanceof CommittedStream) return result;
    if (!result) return undefined;
    const { record } = attempt;
    const isAccepted = !chain.fallbackTests ||
      await shouldFallBack(call, result.error, record);
    // At once: until this failure has ended the call, another could commit.
    if (!isAccepted) scope.fail(result);
    const willRetry = chain.retry && scope.isActive &&
      await waitForRetry(call, result.error, record, attempts + 1);
    if (!willRetry || !scope.isActive) return undefined;
  }
}

/** Runs one attempt. Whatever it opened is closed on every way out but one. */
async function runAttempt<Request, Chunk>(
  call: Call<Request, Chunk>,
  attempt: AttemptRunner<Request, Chunk>,
  request: Request,
): Promise<CommittedStream<Chunk> | Failure | undefined> {
  await using stack = new AsyncDisposableStack(); // Deno 2.3, Node 24, Bun 1.3.12
  const result = await attempt.open(request);
  // To dispose of a stack that was used costs ten times that of an empty one.
  if (attempt.needsClosing) stack.use(attempt);
  if (!result || "error" in result) return result;
  return attempt.hasEnded
    ? undefined
    : call.commitTo(attempt, result, stack.move());
}
