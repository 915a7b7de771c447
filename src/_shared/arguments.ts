// Checks arguments before anything is opened. A message names the argument, its
// value and what is expected, in the words of std: "'ms' must be a number …:
// current value is -1".

import { describeValue } from "./error_text.ts";
import { getProperty, isPromise } from "./safe_access.ts";

/** The longest delay of `setTimeout`; above it, a timer fires at once. */
export const MAX_TIMEOUT_MS = 2_147_483_647;

/** One `true` for each option, so that the compiler notices a missing name. */
export type OptionNames<Options> = Readonly<
  Record<keyof Required<Options>, true>
>;

/** Throws unless `ok`: a `TypeError` for a wrong kind, a `RangeError` else. */
export function assertArgument(
  ok: boolean,
  name: string,
  expected: string,
  value: unknown,
  ErrorType: new (message: string) => Error = TypeError,
): asserts ok {
  if (ok) return;
  const hint = isPromise(value) ? " (await it first)" : "";
  throw new ErrorType(
    `'${name}' must ${expected}: current value is ${
      describeValue(value)
    }${hint}`,
  );
}

export function assertObject(name: string, value: unknown): void {
  assertArgument(Object(value) === value, name, "be an object", value);
}

/**
 * An object with no other options than those named. `deno run` does not check
 * types, and a misspelt timeout is a call that hangs.
 */
export function assertOptions<Options extends object>(
  name: string,
  value: Options,
  names: OptionNames<Options>,
): void {
  assertObject(name, value);
  // A list, a function or a signal has no keys, so it would be ignored.
  const isBag = typeof value === "object" && !Array.isArray(value) &&
    getProperty(value, "throwIfAborted") === undefined;
  if (!isBag) {
    const [first] = Object.keys(names);
    const example = Object.hasOwn(names, "signal") ? "signal" : first;
    assertArgument(false, name, `be an object such as { ${example} }`, value);
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(names, key)) continue;
    const known = Object.keys(names).map((each) => `'${each}'`).join(", ");
    throw new TypeError(
      `'${name}.${key}' is not an option: known options are ${known}`,
    );
  }
}

/** A function, if one is given. */
export function assertFunction(name: string, value: unknown): void {
  const ok = value === undefined || typeof value === "function";
  assertArgument(ok, name, "be a function", value);
}

export function assertBoolean(name: string, value: unknown): void {
  const ok = value === undefined || typeof value === "boolean";
  assertArgument(ok, name, "be a boolean", value);
}

export function assertAsyncIterable(name: string, value: unknown): void {
  const ok =
    typeof (value as AsyncIterable<unknown>)?.[Symbol.asyncIterator] ===
      "function";
  assertArgument(ok, name, "be async iterable", value);
}

/** An object with these methods, if one is given. */
export function assertMethods(
  name: string,
  value: unknown,
  kind: string,
  ...methods: string[]
): void {
  if (value === undefined) return;
  const ok = methods.every((method) =>
    typeof getProperty(value, method) === "function"
  );
  assertArgument(ok, name, `be ${kind}`, value);
}

/** The option `signal`, if it is given. */
export function assertSignal(signal: unknown): void {
  assertMethods(
    "options.signal",
    signal,
    getProperty(signal, "signal") === undefined
      ? "an AbortSignal"
      : "an AbortSignal, such as the 'signal' of an AbortController",
    "addEventListener",
  );
}

/** A list that is not empty. A single value is a list of one. */
export function parseList<T>(name: string, value: T | readonly T[]): T[] {
  const list = (Array.isArray(value) ? Array.from(value) : [value]) as T[];
  assertArgument(list.length > 0, name, "not be empty", value, RangeError);
  return list;
}

/** A finite number from `min` to `max`. */
export function parseNumber(
  name: string,
  value: number,
  min: number,
  max = Number.MAX_VALUE,
): number {
  const expected = max === Number.MAX_VALUE
    ? `be a finite number >= ${min}`
    : `be a number from ${min} to ${max}`;
  assertArgument(typeof value === "number", name, expected, value);
  const ok = value >= min && value <= max;
  assertArgument(ok, name, expected, value, RangeError);
  return value;
}

/** A positive integer. */
export function parseCount(name: string, value: number): number {
  const expected = "be a positive integer";
  assertArgument(typeof value === "number", name, expected, value);
  const ok = Number.isSafeInteger(value) && value >= 1;
  assertArgument(ok, name, expected, value, RangeError);
  return value;
}

/** A delay in whole milliseconds; fractions are rounded up. */
export function parseDelay(name: string, ms: number): number {
  return Math.ceil(parseNumber(name, ms, 0, MAX_TIMEOUT_MS));
}

/** Two delays with names and defaults, of which the first is the smaller one. */
export interface DelayRange<Key extends string> {
  readonly min: readonly [name: Key, fallback: number];
  readonly max: readonly [name: Key, fallback: number];
}

/**
 * Two delays, of which the first must not exceed the second. If only one is
 * given, the default of the other one adapts to it.
 */
export function parseDelayRange<Key extends string>(
  path: string,
  options: { readonly [name in Key]?: number | undefined },
  { min: [minName, minDefault], max: [maxName, maxDefault] }: DelayRange<Key>,
): [min: number, max: number] {
  const { [minName]: givenMin, [maxName]: givenMax } = options;
  if (givenMax !== undefined) parseDelay(`${path}.${maxName}`, givenMax);
  const min = parseDelay(
    `${path}.${minName}`,
    givenMin !== undefined // null is a mistake
      ? givenMin
      : Math.min(minDefault, givenMax ?? minDefault),
  );
  const max = Math.ceil(givenMax ?? Math.max(maxDefault, min));
  const expected = `be <= '${path}.${maxName}' (${max})`;
  assertArgument(min <= max, `${path}.${minName}`, expected, min, RangeError);
  return [min, max];
}

/** The attempts of a call; a stream or an error has them in a property. */
export function assertAttempts(attempts: unknown): void {
  const expected =
    "be an array, such as 'stream.attempts' or the result of attemptsOf(error)";
  assertArgument(Array.isArray(attempts), "attempts", expected, attempts);
}
