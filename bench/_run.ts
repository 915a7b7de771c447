// One strategy: all its calls, in virtual time, against providers of its own
// that behave as those of every other strategy do.

import {
  AllModelsFailedError,
  type FallbackOptions,
  fallbackStream,
  type Model,
  ModelTimeoutError,
} from "@fallback/stream";
import { virtualTime } from "@fallback/stream/testing";
import { delay } from "@std/async/delay";
import { watchTimers } from "../src/testing/_timers.ts";
import type { Parameters } from "./_parameters.ts";
import {
  arrival,
  type Condition,
  makeProviders,
  ProviderError,
  type Request,
} from "./_providers.ts";
import { seededChance } from "./_random.ts";

/** How many calls pass between two looks at the progress. */
const PROGRESS_EVERY = 1000;

type Options = FallbackOptions<Request, number>;

/** What the caller does so that an answer comes. */
export interface Strategy {
  readonly name: string;
  /** How many of the models it uses. */
  readonly models: number;
  /** The options of a call. */
  readonly optionsOf: (call: number) => Options;
  readonly conditionAt?: (atMs: number) => Condition;
}

/** What has come of one call. */
export interface CallResult {
  readonly call: number;
  readonly atMs: number;
  /** The time to first content, unless there was no whole answer. */
  readonly time: number | undefined;
  /** How many attempts it took. */
  readonly attempts: number;
  /** How many attempts `firstContentMs` ended although they would answer. */
  readonly wrong: number;
  /** After how long the first model was to be hedged, if at all. */
  readonly hedgeMs: number | undefined;
}

/** What has come of it. */
export interface Outcome {
  readonly results: readonly CallResult[];
  /** What was left behind, in words. */
  readonly left: readonly string[];
}

/**
 * Makes all the calls of one strategy.
 *
 * @param onProgress Called now and then with the share of the calls that were
 * made, from 0 to 1.
 */
export function run(
  parameters: Parameters,
  { models: count, optionsOf, conditionAt }: Strategy,
  onProgress: (part: number) => void,
): Promise<Outcome> {
  return virtualTime(async () => {
    using timers = watchTimers();
    // The jitter of the back-off, too, can be repeated.
    using _ = seededChance(parameters.seed);
    const { models, ledger } = makeProviders(parameters, conditionAt);
    const used = models.slice(0, count);
    const { calls, patienceMs } = parameters;
    const results: CallResult[] = [];
    const running = new Set<Promise<void>>();
    let due = 0;
    for (let call = 0; call < calls; call++) {
      if (call % PROGRESS_EVERY === 0) onProgress(call / calls);
      const { request, gapMs } = arrival(parameters, call);
      due += gapMs;
      await delay(due - Date.now());
      const startedAt = Date.now();
      const options = optionsOf(call);
      const hedgeMs = hedgeDelay(options, used[0]!.name);
      const answer = readAnswer(used, request, options, patienceMs)
        .then((time) => {
          const attempts = request.attempts.reduce(
            (sum, n) => sum + (n ?? 0),
            0,
          );
          const { wrong } = request;
          results.push({
            call,
            atMs: startedAt,
            time,
            attempts,
            wrong,
            hedgeMs,
          });
          running.delete(answer);
        });
      running.add(answer);
    }
    await Promise.all(running);
    const { opened, closed } = ledger;
    const left: string[] = [];
    if (opened !== closed) {
      left.push(`streams: ${opened} opened, ${closed} closed`);
    }
    const { size } = timers.pending;
    if (size > 0) left.push(`timers: ${size}`);
    return { results, left };
  });
}

function hedgeDelay({ hedge }: Options, model: string): number | undefined {
  const afterMs = typeof hedge === "object" ? hedge.afterMs : undefined;
  return typeof afterMs === "function" ? afterMs(model) : afterMs;
}

/** The caller's reason to give up. */
const impatience = new Error("the caller has waited long enough");

/**
 * Makes a call, and reads the answer to its end.
 *
 * @returns The time to first content, or nothing if there was no whole answer.
 */
async function readAnswer(
  models: readonly Model<Request, number>[],
  request: Request,
  options: Options,
  patienceMs: number,
): Promise<number | undefined> {
  const startedAt = Date.now();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(impatience), patienceMs);
  try {
    const { signal } = patience;
    await using stream = await fallbackStream(models, request, {
      ...options,
      signal,
    });
    const time = Date.now() - startedAt;
    for await (const _ of stream);
    return time;
  } catch (error) {
    if (!isSimulated(error)) throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether an error is part of the simulation: any other is a bug. */
function isSimulated(error: unknown): boolean {
  if (error instanceof AllModelsFailedError) {
    return error.errors.every(isSimulated);
  }
  return error === impatience || error instanceof ProviderError ||
    error instanceof ModelTimeoutError;
}
