// The arguments of a call, checked and copied once: what is wrong with them is
// said before anything is opened.

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
export type Clocks = { [Phase in keyof Timeouts]: number | undefined } & {
  closeMs: number;
};

/** Above this, `setTimeout` fires at once. */
export const LONGEST_MS = 2_147_483_647;

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
  expect(Array.isArray(models), "models", "be an array of models", models);
  inRange(models.length > 0, "models", "hold at least one model", models);
  expect(isObject(options), "options", "be an object", options);
  const { signal, timeouts, fallbackOn, retry, hedge, health } = options;
  expect(
    signal === undefined || typeof signal?.addEventListener === "function",
    "options.signal",
    "be an AbortSignal",
    signal,
  );
  for (const name of ["isContent", "isFinal", "onEvent"] as const) {
    expectFunction(`options.${name}`, options[name]);
  }
  expect(
    health === undefined || typeof health?.admit === "function" &&
        typeof health.report === "function",
    "options.health",
    "have the functions 'admit' and 'report'",
    health,
  );
  const conditions = fallbackOn === undefined ? undefined : [fallbackOn].flat();
  inRange(
    conditions?.length !== 0,
    "options.fallbackOn",
    "hold at least one condition",
    fallbackOn,
  );
  for (const condition of conditions ?? []) {
    expect(
      typeof condition === "function",
      "options.fallbackOn",
      "be an error class, a function, or an array of them",
      condition,
    );
  }
  return {
    models: models.map(readModel),
    conditions,
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
  expect(
    isObject(model) && typeof model.name === "string" &&
      typeof model.stream === "function",
    `models[${index}]`,
    "be a function, or have a 'name' and a 'stream' function",
    model,
  );
  return model;
}

function readClocks(timeouts: Timeouts = {}): Clocks {
  expect(isObject(timeouts), "options.timeouts", "be an object", timeouts);
  const read = (phase: keyof Timeouts) =>
    readMs(`options.timeouts.${phase}`, timeouts[phase]);
  return {
    openMs: read("openMs"),
    contentMs: read("contentMs"),
    idleMs: read("idleMs"),
    totalMs: read("totalMs"),
    closeMs: read("closeMs") ?? 1000,
  };
}

function readRetry(options: RetryOptions): Retry {
  const name = "options.retry";
  expect(isObject(options), name, "be an object", options);
  const { isRetriable, multiplier = 2, jitter = 1 } = options;
  expectFunction(`${name}.isRetriable`, isRetriable);
  const [minDelayMs, maxDelayMs] = readMsRange(
    `${name}.`,
    options,
    ["minDelayMs", 500],
    ["maxDelayMs", 10_000],
  );
  return {
    options,
    minDelayMs,
    maxDelayMs,
    maxAttempts: readCount(`${name}.maxAttempts`, options.maxAttempts, 3),
    multiplier: readNumber(`${name}.multiplier`, multiplier, 1),
    jitter: readNumber(`${name}.jitter`, jitter, 0, 1),
  };
}

function readHedge(options: HedgeOptions): Hedge {
  const name = "options.hedge";
  expect(isObject(options), name, "be an object", options);
  const { afterMs, maxInFlight, budget } = options;
  expect(
    budget === undefined || typeof budget?.take === "function" &&
        typeof budget.earn === "function",
    `${name}.budget`,
    "have the functions 'earn' and 'take'",
    budget,
  );
  expect(typeof afterMs === "number", `${name}.afterMs`, "be given", afterMs);
  return {
    options,
    afterMs: readMs(`${name}.afterMs`, afterMs)!,
    maxInFlight: readCount(`${name}.maxInFlight`, maxInFlight, 2),
  };
}

/** A duration in whole milliseconds: a timer would cut the fraction off. */
export function readMs(
  name: string,
  ms: number | undefined,
): number | undefined {
  return ms === undefined
    ? undefined
    : Math.ceil(readNumber(name, ms, 0, LONGEST_MS));
}

/**
 * Two durations, of which the first is at most the second. A default gives way
 * to the other one where only that is given.
 */
export function readMsRange<Key extends string>(
  path: string,
  options: { readonly [name in Key]?: number | undefined },
  [low, otherwise]: readonly [name: Key, otherwise: number],
  [high, otherwiseHigh]: readonly [name: Key, otherwise: number],
): [low: number, high: number] {
  const most = readMs(path + high, options[high]);
  const from = readMs(path + low, options[low]) ??
    Math.min(otherwise, most ?? otherwise);
  const to = most ?? Math.max(otherwiseHigh, from);
  inRange(from <= to, path + low, `be at most '${high}', ${to}`, from);
  return [from, to];
}

export function readCount(
  name: string,
  count: number | undefined,
  otherwise: number,
): number {
  const read = readNumber(name, count === undefined ? otherwise : count, 1);
  inRange(Number.isInteger(read), name, "be a whole number", read);
  return read;
}

/** A finite number from `min` to `max`. */
export function readNumber(
  name: string,
  value: number,
  min: number,
  max = Number.MAX_VALUE,
): number {
  const must = max === Number.MAX_VALUE
    ? `be a finite number, at least ${min}`
    : `be a number from ${min} to ${max}`;
  expect(typeof value === "number", name, must, value);
  inRange(value >= min && value <= max, name, must, value);
  return value;
}

export function expectFunction(name: string, value: unknown): void {
  const ok = value === undefined || typeof value === "function";
  expect(ok, name, "be a function", value);
}

export function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

export function expect(
  ok: boolean,
  name: string,
  must: string,
  value: unknown,
): void {
  if (!ok) throw new TypeError(complaint(name, must, value));
}

export function inRange(
  ok: boolean,
  name: string,
  must: string,
  value: unknown,
): void {
  if (!ok) throw new RangeError(complaint(name, must, value));
}

function complaint(name: string, must: string, value: unknown): string {
  return `'${name}' must ${must}: current value is ${show(value)}`;
}

/** A value in a few words; it may be anything, also what cannot be printed. */
function show(value: unknown): string {
  try {
    const text = isObject(value) ? JSON.stringify(value) : String(value);
    return text.length > 80 ? `${text.slice(0, 79)}…` : text;
  } catch {
    return typeof value;
  }
}
