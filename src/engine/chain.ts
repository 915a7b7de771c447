// The arguments of a call, checked and copied once.

import {
  assertArgument,
  assertBoolean,
  assertFunction,
  assertMethods,
  assertOptions,
  assertSignal,
  type OptionNames,
  parseCount,
  parseDelay,
  parseDelayRange,
  parseList,
  parseNumber,
} from "../_shared/arguments.ts";
import { parseMilliseconds } from "../_shared/milliseconds.ts";
import { getProperty } from "../_shared/safe_access.ts";
import { parseConditions } from "../policies/conditions.ts";
import type { Attempt } from "../types/attempt.ts";
import type { HealthStore } from "../types/health.ts";
import type { Model, ModelLike } from "../types/model.ts";
import type {
  ErrorTest,
  FallbackOptions,
  HedgeOptions,
  Milliseconds,
  RetryOptions,
  Timeouts,
} from "../types/options.ts";
import { parseListeners, type TracingListener } from "./listener.ts";

/** One test of `fallbackOn`. */
export type FallbackTest = ErrorTest<
  [attempt: Attempt],
  boolean | PromiseLike<boolean>
>;

/** The checked arguments of a call. */
export interface Chain<Request, Chunk> {
  /** In order of preference, each with a name. */
  readonly models: readonly Model<Request, Chunk>[];
  /** The tests of `fallbackOn`. Without them every failure falls back. */
  readonly fallbackTests: readonly FallbackTest[] | undefined;
  /** The caller's own object: its callbacks are called as its methods. */
  readonly options: FallbackOptions<Request, Chunk>;
  readonly timeouts: ResolvedTimeouts;
  /** The listeners that `onEvent` lists. */
  readonly listeners: readonly TracingListener[];
  readonly health: HealthStore | undefined;
  readonly retry: ResolvedRetry | undefined;
  readonly hedge: ResolvedHedge | undefined;
  /** The model that a total timeout names, if it is not the last one tried. */
  readonly lastModel?: () => string;
}

/** The {@linkcode RetryOptions} with their defaults. */
export interface ResolvedRetry {
  /** The caller's own object. */
  readonly options: RetryOptions;
  /** The tests of `isRetriable`. */
  readonly tests: readonly ErrorTest<[attempt: Attempt]>[] | undefined;
  readonly maxAttempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
  readonly jitter: number;
}

/** The {@linkcode HedgeOptions} with their defaults. */
export interface ResolvedHedge {
  /** The caller's own object. */
  readonly options: HedgeOptions;
  readonly afterMs: Milliseconds;
  readonly maxInFlight: number;
}

/** The {@linkcode Timeouts} in whole milliseconds, with the default of `closeMs`. */
export interface ResolvedTimeouts {
  readonly openMs: number | undefined;
  readonly firstContentMs: Milliseconds | undefined;
  readonly idleMs: Milliseconds | undefined;
  readonly totalMs: number | undefined;
  readonly closeMs: number;
}

/** The options that every chain has. */
export const CHAIN_OPTION_NAMES: OptionNames<
  Omit<FallbackOptions<never, never>, "signal">
> = {
  fallbackOn: true,
  isContent: true,
  isFinal: true,
  allowEmpty: true,
  timeouts: true,
  retry: true,
  hedge: true,
  health: true,
  onEvent: true,
};

const TIMEOUT_NAMES: OptionNames<Timeouts> = {
  openMs: true,
  firstContentMs: true,
  idleMs: true,
  totalMs: true,
  closeMs: true,
};

const RETRY_NAMES: OptionNames<RetryOptions> = {
  maxAttempts: true,
  minDelayMs: true,
  maxDelayMs: true,
  multiplier: true,
  jitter: true,
  isRetriable: true,
};

const HEDGE_NAMES: OptionNames<HedgeOptions> = {
  afterMs: true,
  maxInFlight: true,
  budget: true,
};

/**
 * Checks and copies the arguments of a call.
 *
 * @param names The options that are known.
 * @throws {TypeError} If an argument is of the wrong kind, or unknown.
 * @throws {RangeError} If a list is empty or a number is out of range.
 */
export function parseChain<
  Request,
  Chunk,
  Options extends FallbackOptions<Request, Chunk>,
>(
  models: readonly ModelLike<Request, Chunk>[],
  options: Options,
  names: Partial<OptionNames<Options>>,
): Chain<Request, Chunk> {
  assertRuntime();
  assertOptions("options", options, names as OptionNames<Options>);
  const { signal, fallbackOn, timeouts, retry, hedge, health } = options;
  if (signal !== undefined) assertSignal(signal);
  if (health !== undefined) {
    assertMethods("options.health", health, "a HealthStore", "admit", "report");
  }
  assertFunction("options.isContent", options.isContent);
  assertFunction("options.isFinal", options.isFinal);
  assertBoolean("options.allowEmpty", options.allowEmpty);
  return {
    models: parseModels(models),
    fallbackTests: fallbackOn === undefined
      ? undefined
      : parseConditions("options.fallbackOn", fallbackOn),
    listeners: parseListeners(options.onEvent),
    health,
    options,
    timeouts: parseTimeouts(timeouts),
    retry: retry === undefined ? undefined : parseRetry(retry),
    hedge: hedge === undefined ? undefined : parseHedge(hedge),
  };
}

/** Without it every attempt would fail, and the models would be blamed. */
function assertRuntime(): void {
  if ("AsyncDisposableStack" in globalThis) return;
  throw new TypeError(
    "Cannot open streams as this runtime has no AsyncDisposableStack: " +
      "Deno 2.3, Node 24, Bun 1.3.12 or later is required",
  );
}

/** Checks and copies a list of models. */
export function parseModels<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
): Model<Request, Chunk>[] {
  assertArgument(Array.isArray(models), "models", "be an array", models);
  return parseList<ModelLike<Request, Chunk>>("models", models)
    .map((model, index) => parseModel(model, "models", index));
}

/** The functions that a model may have beside `stream`. */
const MODEL_FUNCTIONS = ["isContent", "isFinal", "usage"];

/**
 * A model as an object. A function without a name is named by its position in
 * the list, if it is in one.
 */
export function parseModel<Request, Chunk>(
  model: ModelLike<Request, Chunk>,
  argument: string,
  index?: number,
): Model<Request, Chunk> {
  if (typeof model === "function") {
    const name = getProperty(model, "name");
    if (typeof name === "string" && name !== "") return { name, stream: model };
    return {
      name: index === undefined ? "" : `model-${index + 1}`,
      stream: model,
    };
  }
  const path = index === undefined ? argument : `${argument}[${index}]`;
  const isModel = typeof getProperty(model, "name") === "string" &&
    typeof getProperty(model, "stream") === "function";
  const expected = "be a function, or have a 'name' and a 'stream' function";
  assertArgument(isModel, path, expected, model);
  for (const name of MODEL_FUNCTIONS) {
    const value = getProperty(model, name);
    // No path is built for what is absent, because this runs in every call.
    if (value !== undefined) assertFunction(`${path}.${name}`, value);
  }
  return model;
}

const DEFAULT_TIMEOUTS: ResolvedTimeouts = {
  openMs: undefined,
  firstContentMs: undefined,
  idleMs: undefined,
  totalMs: undefined,
  closeMs: 1000,
};

function parseTimeouts(timeouts: Timeouts | undefined): ResolvedTimeouts {
  if (timeouts === undefined) return DEFAULT_TIMEOUTS;
  const path = "options.timeouts";
  assertOptions(path, timeouts, TIMEOUT_NAMES);
  const { openMs, firstContentMs, idleMs, totalMs } = timeouts;
  const { closeMs = DEFAULT_TIMEOUTS.closeMs } = timeouts;
  return {
    openMs: openMs === undefined
      ? undefined
      : parseDelay(`${path}.openMs`, openMs),
    firstContentMs: firstContentMs === undefined
      ? undefined
      : parseMilliseconds(`${path}.firstContentMs`, firstContentMs),
    idleMs: idleMs === undefined
      ? undefined
      : parseMilliseconds(`${path}.idleMs`, idleMs),
    totalMs: totalMs === undefined
      ? undefined
      : parseDelay(`${path}.totalMs`, totalMs),
    closeMs: parseDelay(`${path}.closeMs`, closeMs),
  };
}

function parseRetry(options: RetryOptions): ResolvedRetry {
  const path = "options.retry";
  assertOptions(path, options, RETRY_NAMES);
  const { isRetriable, maxAttempts = 3, multiplier = 2, jitter = 1 } = options;
  const [minDelayMs, maxDelayMs] = parseDelayRange(path, options, {
    min: ["minDelayMs", 500],
    max: ["maxDelayMs", 10_000],
  });
  return {
    options,
    tests: isRetriable === undefined
      ? undefined
      : parseConditions(`${path}.isRetriable`, isRetriable),
    minDelayMs,
    maxDelayMs,
    maxAttempts: parseCount(`${path}.maxAttempts`, maxAttempts),
    multiplier: parseNumber(`${path}.multiplier`, multiplier, 1),
    jitter: parseNumber(`${path}.jitter`, jitter, 0, 1),
  };
}

function parseHedge(options: HedgeOptions): ResolvedHedge {
  const path = "options.hedge";
  assertOptions(path, options, HEDGE_NAMES);
  const { afterMs, maxInFlight = 2, budget } = options;
  assertMethods(`${path}.budget`, budget, "a HedgeBudget", "earn", "take");
  return {
    options,
    afterMs: parseMilliseconds(`${path}.afterMs`, afterMs),
    maxInFlight: parseCount(`${path}.maxInFlight`, maxInFlight),
  };
}
