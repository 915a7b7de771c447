// The arguments of a call, checked and copied once.

import {
  expect,
  expectFunction,
  expectMethods,
  expectObject,
  readCount,
  readList,
  readMs,
  readMsRange,
  readNumber,
} from "./_arguments.ts";
import { readConditions } from "./_condition.ts";
import type {
  FallbackCondition,
  FallbackOptions,
  HedgeOptions,
  Model,
  ModelLike,
  RetryOptions,
  Timeouts,
} from "./types.ts";

/** The checked arguments of a call. */
export interface Chain<Request, Chunk> {
  /** In order of preference, each with a name. */
  readonly models: readonly Model<Request, Chunk>[];
  /** Any of which accepts a failure; without them every failure falls back. */
  readonly conditions: readonly FallbackCondition[] | undefined;
  /** The caller's own object: its callbacks are called as its methods. */
  readonly options: FallbackOptions<Request, Chunk>;
  readonly clocks: Clocks;
  readonly retry: Retry | undefined;
  readonly hedge: Hedge | undefined;
  /** Whom a total time-out names, if that is not the chain's own last model. */
  readonly lastModel?: () => string;
}

/** The {@linkcode RetryOptions}, filled in. */
export interface Retry {
  /** The caller's own object. */
  readonly options: RetryOptions;
  readonly maxAttempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
  readonly jitter: number;
}

/** The {@linkcode HedgeOptions}, filled in. */
export interface Hedge {
  /** The caller's own object. */
  readonly options: HedgeOptions;
  readonly afterMs: number;
  readonly maxInFlight: number;
}

/** The {@linkcode Timeouts} in whole milliseconds, `closeMs` filled in. */
export type Clocks = Timeouts & { closeMs: number };

/**
 * Checks and copies what a call was given.
 *
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If a list is empty or a duration is out of range.
 */
export function readChain<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  options: FallbackOptions<Request, Chunk>,
): Chain<Request, Chunk> {
  // Without it every attempt would fail, and its model would get the blame.
  expect(
    "AsyncDisposableStack" in globalThis,
    "AsyncDisposableStack",
    "exist, as in Deno 2.3, Node 24 and Bun 1.3.12",
    undefined,
  );
  expect(Array.isArray(models), "models", "be an array", models);
  expectObject("options", options);
  const { signal, fallbackOn, timeouts, retry, hedge, health } = options;
  expectMethods("options.signal", signal, "an AbortSignal", "addEventListener");
  expectMethods("options.health", health, "a HealthStore", "admit", "report");
  for (const name of ["isContent", "isFinal", "onEvent"] as const) {
    expectFunction(`options.${name}`, options[name]);
  }
  return {
    models: readList<ModelLike<Request, Chunk>>("models", models)
      .map(readModel),
    conditions: fallbackOn === undefined
      ? undefined
      : readConditions("options.fallbackOn", fallbackOn),
    options,
    clocks: readClocks(timeouts),
    retry: retry === undefined ? undefined : readRetry(retry),
    hedge: hedge === undefined ? undefined : readHedge(hedge),
  };
}

function readModel<Request, Chunk>(
  model: ModelLike<Request, Chunk>,
  index: number,
): Model<Request, Chunk> {
  if (typeof model === "function") {
    return { name: model.name || `model-${index + 1}`, stream: model };
  }
  const { name, stream } = Object(model);
  expect(
    typeof name === "string" && typeof stream === "function",
    `models[${index}]`,
    "be a function, or have a 'name' and a 'stream' function",
    model,
  );
  return model;
}

function readClocks(timeouts: Timeouts = {}): Clocks {
  const path = "options.timeouts";
  expectObject(path, timeouts);
  const read = (phase: keyof Timeouts, ms = timeouts[phase]) =>
    ms === undefined ? undefined : readMs(`${path}.${phase}`, ms);
  return {
    openMs: read("openMs"),
    contentMs: read("contentMs"),
    idleMs: read("idleMs"),
    totalMs: read("totalMs"),
    closeMs: read("closeMs") ?? 1000,
  };
}

function readRetry(options: RetryOptions): Retry {
  const path = "options.retry";
  expectObject(path, options);
  const { isRetriable, maxAttempts = 3, multiplier = 2, jitter = 1 } = options;
  expectFunction(`${path}.isRetriable`, isRetriable);
  const [minDelayMs, maxDelayMs] = readMsRange(
    `${path}.`,
    options,
    ["minDelayMs", 500],
    ["maxDelayMs", 10_000],
  );
  return {
    options,
    minDelayMs,
    maxDelayMs,
    maxAttempts: readCount(`${path}.maxAttempts`, maxAttempts),
    multiplier: readNumber(`${path}.multiplier`, multiplier, 1),
    jitter: readNumber(`${path}.jitter`, jitter, 0, 1),
  };
}

function readHedge(options: HedgeOptions): Hedge {
  const path = "options.hedge";
  expectObject(path, options);
  const { afterMs, maxInFlight = 2, budget } = options;
  expectMethods(`${path}.budget`, budget, "a HedgeBudget", "earn", "take");
  return {
    options,
    afterMs: readMs(`${path}.afterMs`, afterMs),
    maxInFlight: readCount(`${path}.maxInFlight`, maxInFlight),
  };
}
