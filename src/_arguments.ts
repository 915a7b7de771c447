// What a caller gave, looked at before anything is opened: what is wrong with
// it is said in one sentence that names the argument and its value.

import { oneLine } from "./_one_line.ts";

/** Above this, `setTimeout` fires at once. */
export const LONGEST_MS = 2_147_483_647;

/** An object of any kind: also a class's own, or a function. */
export function isObject(value: unknown): value is object {
  return Object(value) === value;
}

/** Throws what is wrong: a value's kind by default, else its range. */
export function expect(
  ok: boolean,
  name: string,
  must: string,
  value: unknown,
  Wrong: new (message: string) => Error = TypeError,
): asserts ok {
  if (!ok) {
    throw new Wrong(`'${name}' must ${must}: current value is ${show(value)}`);
  }
}

export function expectObject(name: string, value: unknown): void {
  expect(isObject(value), name, "be an object", value);
}

/** A function, where there is one. */
export function expectFunction(name: string, value: unknown): void {
  const ok = value === undefined || typeof value === "function";
  expect(ok, name, "be a function", value);
}

/** An object of a kind that its methods tell, where there is one. */
export function expectMethods(
  name: string,
  value: unknown,
  kind: string,
  ...methods: string[]
): void {
  const ok = value === undefined ||
    methods.every((method) => typeof Object(value)[method] === "function");
  expect(ok, name, `be ${kind}`, value);
}

/** A list that has something in it; what stands alone is one. */
export function readList<T>(name: string, value: T | readonly T[]): T[] {
  const list = [value].flat() as T[];
  expect(list.length > 0, name, "not be empty", value, RangeError);
  return list;
}

/** A finite number from `min` to `max`. */
export function readNumber(
  name: string,
  value: number,
  min: number,
  max?: number,
): number {
  const must = `be a finite number, at least ${min}` +
    (max === undefined ? "" : `, at most ${max}`);
  expect(typeof value === "number", name, must, value);
  const ok = value >= min && value <= (max ?? Number.MAX_VALUE);
  expect(ok, name, must, value, RangeError);
  return value;
}

/** A whole number, at least 1. */
export function readCount(name: string, value: number): number {
  readNumber(name, value, 1);
  expect(Number.isInteger(value), name, "be whole", value, RangeError);
  return value;
}

/** A duration in whole milliseconds: a timer would cut the fraction off. */
export function readMs(name: string, ms: number): number {
  return Math.ceil(readNumber(name, ms, 0, LONGEST_MS));
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
  const { [low]: from, [high]: to } = options;
  if (to !== undefined) readMs(path + high, to);
  const least = readMs(
    path + low,
    from === undefined ? Math.min(otherwise, to ?? otherwise) : from,
  );
  const most = Math.ceil(to ?? Math.max(otherwiseHigh, least));
  const must = `be at most '${high}', ${most}`;
  expect(least <= most, path + low, must, least, RangeError);
  return [least, most];
}

/** A value in a few words; it may be anything, also what cannot be printed. */
function show(value: unknown): string {
  try {
    // A function has no JSON.
    const json = isObject(value) && JSON.stringify(value);
    return oneLine(json || String(value), 80);
  } catch {
    return typeof value;
  }
}
