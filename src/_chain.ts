// The arguments of a call, checked and copied once: what is wrong with them is
// said before anything is opened.

import type {
  FallbackCondition,
  FallbackOptions,
  Model,
  ModelLike,
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
}

/** The {@linkcode Timeouts} in whole milliseconds, `closeMs` filled in. */
export type Clocks = { [Phase in keyof Timeouts]: number | undefined } & {
  closeMs: number;
};

/** Above this, `setTimeout` fires at once. */
const LONGEST_MS = 2_147_483_647;

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
  const { signal, timeouts, fallbackOn } = options;
  expect(
    signal === undefined || typeof signal?.addEventListener === "function",
    "options.signal",
    "be an AbortSignal",
    signal,
  );
  for (const name of ["isContent", "isFinal", "onEvent"] as const) {
    const callback: unknown = options[name];
    expect(
      callback === undefined || typeof callback === "function",
      `options.${name}`,
      "be a function",
      callback,
    );
  }
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

/** A duration in whole milliseconds: a timer would cut the fraction off. */
function readMs(name: string, ms: number | undefined): number | undefined {
  if (ms === undefined) return undefined;
  const must = `be a number of milliseconds from 0 to ${LONGEST_MS}`;
  expect(typeof ms === "number", name, must, ms);
  inRange(ms >= 0 && ms <= LONGEST_MS, name, must, ms);
  return Math.ceil(ms);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function expect(ok: boolean, name: string, must: string, value: unknown) {
  if (!ok) throw new TypeError(complaint(name, must, value));
}

function inRange(ok: boolean, name: string, must: string, value: unknown) {
  if (!ok) throw new RangeError(complaint(name, must, value));
}

function complaint(name: string, must: string, value: unknown): string {
  return `Cannot open a fallback stream as '${name}' must ${must}: current value is ${
    show(value)
  }`;
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
