import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  assertAttempts,
  assertFunction,
  assertMethods,
  assertObject,
  assertOptions,
  parseCount,
  parseDelay,
  parseDelayRange,
  parseList,
  parseNumber,
} from "../../src/_shared/arguments.ts";
import {
  parseMilliseconds,
  resolveMilliseconds,
} from "../../src/_shared/milliseconds.ts";
import { test } from "../_test_without_permissions.ts";

const MAX_MS = 2 ** 31 - 1;
const NAMES = { ms: true, as: true } as const;
const RANGE = { min: ["minMs", 100], max: ["maxMs", 1000] } as const;

const options = (value: unknown, names: object = NAMES) => () =>
  assertOptions("o", value as object, names as typeof NAMES);
const range = (minMs?: unknown, maxMs?: unknown) =>
  parseDelayRange("o", { minMs, maxMs } as { minMs: number }, RANGE);
const resolve = (value: () => unknown) => () =>
  resolveMilliseconds("ms", value as () => number, 'a "b"');

test("the checks of arguments throw with the name, what is expected, and the value", () => {
  const isDelay = `must be a number from 0 to ${MAX_MS}: current value is`;
  const isBag = "'o' must be an object such as { ms }: current value is";
  const cases: [call: () => unknown, message: string][] = [
    [() => assertObject("o", 1), "'o' must be an object: current value is 1"],
    [options(null), "'o' must be an object: current value is null"],
    [options([]), `${isBag} []`],
    [options(assertOptions), `${isBag} function assertOptions`],
    [options(new AbortController().signal), `${isBag} an AbortSignal`],
    [
      options([], { ms: true, signal: true }),
      "'o' must be an object such as { signal }: current value is []",
    ],
    [
      options({ as: 1, Ms: 1 }),
      "'o.Ms' is not an option: known options are 'ms', 'as'",
    ],
    [
      () => assertFunction("f", Promise.resolve()),
      "'f' must be a function: current value is a Promise (await it first)",
    ],
    [
      () => assertMethods("s", { get() {} }, "a store", "get", "set"),
      "'s' must be a store: current value is {}",
    ],
    [
      () => parseNumber("n", "1" as never, 1),
      "'n' must be a finite number >= 1: current value is \"1\"",
    ],
    [
      () => parseCount("n", "1" as never),
      "'n' must be a positive integer: current value is \"1\"",
    ],
    [() => parseDelay("ms", null as never), `'ms' ${isDelay} null`],
    [() => range(null), `'o.minMs' ${isDelay} null`],
    [() => range(1, null), `'o.maxMs' ${isDelay} null`],
    [
      () => assertAttempts({ attempts: [] }),
      `'attempts' must be an array, such as 'stream.attempts' or the result of attemptsOf(error): current value is {"attempts":[]}`,
    ],
    [
      () => parseMilliseconds("ms", "5" as never),
      `'ms' must be a number from 0 to ${MAX_MS}, or a function: current value is "5"`,
    ],
    [
      resolve(() => NaN),
      String
        .raw`'ms' must return a number of milliseconds or undefined: it returned NaN for model "a \"b\""`,
    ],
    [
      resolve(() => "5"),
      String
        .raw`'ms' must return a number of milliseconds or undefined: it returned "5" for model "a \"b\""`,
    ],
    [
      resolve(() => {
        throw new Error("no");
      }),
      String.raw`'ms' threw for model "a \"b\""`,
    ],
  ];
  for (const [call, message] of cases) {
    assertEquals(assertThrows(call, TypeError).message, message);
  }
});

test("the checks of arguments throw a RangeError for a value out of range", () => {
  const cases: [call: () => unknown, message: string][] = [
    [() => parseList("l", []), "'l' must not be empty: current value is []"],
    ...[0, NaN, Infinity].map((n): [() => unknown, string] => [
      () => parseNumber("n", n, 1),
      `'n' must be a finite number >= 1: current value is ${n}`,
    ]),
    ...[0, 4].map((n): [() => unknown, string] => [
      () => parseNumber("n", n, 1, 3),
      `'n' must be a number from 1 to 3: current value is ${n}`,
    ]),
    ...[0, 1.5, 2 ** 53].map((n): [() => unknown, string] => [
      () => parseCount("n", n),
      `'n' must be a positive integer: current value is ${n}`,
    ]),
    ...[-1, MAX_MS + 1].flatMap((ms): [() => unknown, string][] =>
      [
        () => parseDelay("ms", ms),
        () => parseMilliseconds("ms", ms),
      ].map((call) => [
        call,
        `'ms' must be a number from 0 to ${MAX_MS}: current value is ${ms}`,
      ])
    ),
    [
      () => range(6, 4.5),
      "'o.minMs' must be <= 'o.maxMs' (5): current value is 6",
    ],
  ];
  for (const [call, message] of cases) {
    assertEquals(assertThrows(call, RangeError).message, message);
  }
});

test("the checks of arguments return what is valid", () => {
  assertOptions("o", { ms: undefined, as: 1 }, NAMES);
  assertFunction("f", undefined);
  assertFunction("f", test);
  assertMethods("s", undefined, "a store", "get");
  assertMethods("s", new Map(), "a store", "get", "set");
  assertAttempts([]);

  const list = [1, 2];
  assertEquals([parseList("l", 1), parseList("l", list)], [[1], list]);
  for (const n of [1, Number.MAX_VALUE]) {
    assertEquals(parseNumber("n", n, 1), n);
  }
  for (const n of [1, 3]) assertEquals(parseNumber("n", n, 1, 3), n);
  for (const n of [1, 2 ** 53 - 1]) assertEquals(parseCount("n", n), n);
  for (const [ms, parsed] of [[0, 0], [0.1, 1], [MAX_MS, MAX_MS]] as const) {
    assertEquals(parseDelay("ms", ms), parsed);
    assertEquals(parseMilliseconds("ms", ms), parsed);
  }
  const ms = () => 1;
  assertStrictEquals(parseMilliseconds("ms", ms), ms);
});

test("parseDelayRange() adapts the default of a delay to the other one", () => {
  const ranges: [
    given: [min?: number | undefined, max?: number],
    parsed: number[],
  ][] = [
    [[], [100, 1000]],
    [[1.5], [2, 1000]],
    [[2000], [2000, 2000]],
    [[undefined, 50.5], [51, 51]],
    [[undefined, 2000], [100, 2000]],
    [[5, 5], [5, 5]],
    [[0, 0], [0, 0]],
  ];
  for (const [given, parsed] of ranges) assertEquals(range(...given), parsed);
});

test("resolveMilliseconds() asks a function for the time of a model, and limits it", () => {
  assertEquals(resolveMilliseconds("ms", 5, "m"), 5);
  assertEquals(resolveMilliseconds("ms", undefined, "m"), undefined);
  assertEquals(resolveMilliseconds("ms", (model) => model.length, "abc"), 3);
  const times = [undefined, 0, 1.2, -5, Infinity];
  assertEquals(times.map((ms) => resolve(() => ms)()), [
    undefined,
    0,
    2,
    0,
    MAX_MS,
  ]);
  const cause = new Error("no");
  const error = assertThrows(resolve(() => {
    throw cause;
  }));
  assertStrictEquals((error as Error).cause, cause);
});
