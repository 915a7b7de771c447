import {
  EmptyStreamError,
  hasStatus,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { type CircuitOptions, memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { redisHealth } from "@fallback/stream/redis";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "../_test_without_permissions.ts";
import { FakeKv } from "../kv/_fake_kv.ts";
import { FakeRedis } from "../redis/_fake_redis.ts";
import { overloaded } from "./_errors.ts";

/** Creates each store with any options, also invalid ones. */
const makers = {
  memoryHealth: (options: object) => memoryHealth(options),
  kvHealth: (options: object) => kvHealth(new FakeKv().connect(), options),
  redisHealth: (options: object) =>
    redisHealth(new FakeRedis().connect().send, options),
};

/** How many of these errors count as failures. */
function countOf(options: CircuitOptions, ...errors: unknown[]): number {
  const failureThreshold = errors.length + 1;
  const health = memoryHealth({ ...options, failureThreshold });
  for (const error of errors) health.report("gpt", "failure", error);
  return health.snapshot()[0]?.failures ?? 0;
}

const withStatus = (status: number) =>
  Object.assign(new Error("request failed"), { status });

const COUNT = "be a positive integer";
const DELAY = "be a number from 0 to 2147483647";
const CONDITION = "be an error class or a predicate, or a list of them";

/** What each number has to be, and values out of its range. */
const NUMBERS: Readonly<Record<string, [expected: string, ...number[]]>> = {
  failureThreshold: [COUNT, 0, -1, 1.5, NaN, -Infinity],
  windowMs: [DELAY, -1, NaN, Infinity, 2 ** 31],
  failureRateThreshold: ["be a number from 0 to 1", -0.1, 1.1, NaN, Infinity],
  minimumThroughput: [COUNT, 0, -1, 1.5, NaN, Infinity],
  cooldownMs: [DELAY, -1, NaN, Infinity, 2 ** 31],
  maxCooldownMs: [DELAY, -1, NaN, Infinity, 2 ** 31],
  maxRetryAfterMs: [DELAY, -1, NaN, Infinity, 2 ** 31],
};

const SHARED_NUMBERS = { ...NUMBERS, cacheMs: NUMBERS.windowMs! };

/** What the prefix of each store has to be. */
const PREFIXES: Readonly<Record<string, string>> = {
  kvHealth: "be an array of key parts",
  redisHealth: "be a non-empty string without braces",
};

/** Checks that a call throws an error with exactly this message. */
function assertMessage(
  call: () => unknown,
  ErrorType: typeof TypeError | typeof RangeError,
  message: string,
): void {
  assertEquals(assertThrows(call, ErrorType).message, message);
}

for (const [store, make] of Object.entries(makers)) {
  const prefix = PREFIXES[store];
  const numbers = prefix ? SHARED_NUMBERS : NUMBERS;

  test(`${store}() throws with the name and value of a number that is out of range (R21)`, () => {
    for (const [name, [expected, ...values]] of Object.entries(numbers)) {
      for (const value of values) {
        assertMessage(
          () => make({ [name]: value }),
          RangeError,
          `'options.${name}' must ${expected}: current value is ${value}`,
        );
      }
    }
    assertMessage(
      () => make({ cooldownMs: 2, maxCooldownMs: 1 }),
      RangeError,
      "'options.cooldownMs' must be <= 'options.maxCooldownMs' (1): current value is 2",
    );
    assertMessage(
      () => make({ isFailure: [] }),
      RangeError,
      "'options.isFailure' must not be empty: current value is []",
    );
  });

  test(`${store}() throws with the name and value of an option of the wrong type (R21)`, () => {
    const kinds = Object.entries(numbers).map((
      [name, [expected]],
    ) => [name, expected]);
    kinds.push(["isFailure", CONDITION]);
    if (prefix) kinds.push(["prefix", prefix], ["onError", "be a function"]);
    const values = [[null, "null"], [{ a: 5 }, '{"a":5}'], [5n, "5"]];
    for (const [value, shown] of values) {
      for (const [name, expected] of kinds) {
        assertMessage(
          () => make({ [name!]: value }),
          TypeError,
          `'options.${name}' must ${expected}: current value is ${shown}`,
        );
      }
    }
    for (const [value, shown] of [[null, "null"], [5, "5"], ["a", '"a"']]) {
      assertMessage(
        () => make(value as unknown as object),
        TypeError,
        `'options' must be an object: current value is ${shown}`,
      );
    }
    assertMessage(
      () => make({ isFailure: [undefined] }),
      TypeError,
      `'options.isFailure' must ${CONDITION}: current value is undefined`,
    );
  });

  test(`${store}() throws on an unknown option, with the known ones (R21)`, () => {
    const known = [...Object.keys(NUMBERS), "isFailure"];
    if (prefix) known.push("cacheMs", "onError", "prefix");
    const names = known.map((name) => `'${name}'`).join(", ");
    for (const name of ["failures", "failureRatio", "cooldown", "prefixes"]) {
      assertMessage(
        () => make({ [name]: 1 }),
        TypeError,
        `'options.${name}' is not an option: known options are ${names}`,
      );
    }
  });

  test(`${store}() accepts the minimum and maximum of each number (R21)`, () => {
    const max = 2 ** 31 - 1;
    for (
      const options of [
        {},
        { failureThreshold: Infinity, failureRateThreshold: 0 },
        { failureRateThreshold: 1, windowMs: 0, cooldownMs: 0 },
        { windowMs: max, cooldownMs: max, maxRetryAfterMs: max },
        { cooldownMs: 400_000 },
        { maxCooldownMs: 1 },
        { cooldownMs: 0, maxCooldownMs: 0, maxRetryAfterMs: 0 },
        { failureThreshold: undefined, isFailure: undefined },
      ]
    ) make(options);
    if (prefix) make({ cacheMs: max, prefix: undefined, onError() {} });
  });

  test(`${store}().report() rethrows the error of 'isFailure', and counts no failure (R21)`, async () => {
    const isFailure = () => {
      throw new SyntaxError("a bug");
    };
    const health = make({ isFailure });
    assertThrows(() => health.report("gpt", "failure"), SyntaxError, "a bug");
    health.report("gpt", "success");
    assertEquals(await health.snapshot(), []);
  });
}

test("kvHealth() and redisHealth() throw with the value of an invalid database (R21)", () => {
  const [get, list, atomic] = Array(3).fill(() => {});
  for (
    const [value, shown] of [
      [undefined, "undefined"],
      [null, "null"],
      [{}, "{}"],
      [5, "5"],
      ["kv", '"kv"'],
      [Promise.resolve(), "a Promise (await it first)"],
      [{ list, atomic }, "{}"],
      [{ get, atomic }, "{}"],
      [{ get, list }, "{}"],
    ]
  ) {
    assertMessage(
      () => kvHealth(value as Deno.Kv),
      TypeError,
      `'kv' must be a Deno.Kv: current value is ${shown}`,
    );
    assertMessage(
      () => redisHealth(value as unknown as () => Promise<unknown>),
      TypeError,
      `'send' must be a function that sends a command, such as (args) => client.sendCommand([...args]): current value is ${shown}`,
    );
  }
  for (const prefix of ["", "{", "a}b", "{}", "\ud800"]) {
    assertMessage(
      () => makers.redisHealth({ prefix }),
      RangeError,
      `'options.prefix' must ${PREFIXES.redisHealth}: current value is ${
        JSON.stringify(prefix)
      }`,
    );
  }
});

test("'isFailure' is isTransient by default (R21)", () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504, 529, 599]) {
    assertEquals(countOf({}, withStatus(status)), 1, `${status}`);
  }
  for (const status of [400, 401, 403, 404, 409, 413, 422]) {
    assertEquals(countOf({}, withStatus(status)), 0, `${status}`);
  }
  const ours = [
    new ModelTimeoutError("gpt", "firstContent", 5),
    new EmptyStreamError("gpt"),
    new TruncatedStreamError("gpt"),
  ];
  assertEquals(countOf({}, ...ours), 3);
  const others = [new TypeError("fetch failed"), undefined, null, "text", 7];
  assertEquals(countOf({}, ...others), 5);
  assertEquals(countOf({}, { statusCode: 503 }, { statusCode: 404 }), 1);
  assertEquals(countOf({}, { response: { status: 422 } }), 0);
});

test("'isFailure' is a class, a predicate, or a list of them (R21)", () => {
  const type = new TypeError("fetch failed");
  const range = new RangeError("?");
  const errors = [type, range, withStatus(404), withStatus(503)];
  const count = (isFailure: CircuitOptions["isFailure"]) =>
    countOf({ isFailure }, ...errors);
  assertEquals(count(TypeError), 1);
  assertEquals(count(Error), 4);
  assertEquals(count((error) => error === range), 1);
  assertEquals(count(hasStatus(404)), 1);
  assertEquals(count(hasStatus("4xx", "5xx")), 2);
  assertEquals(count([TypeError, hasStatus(404)]), 2);
  assertEquals(count(() => false), 0);
  const later = (() => Promise.resolve(true)) as unknown as () => boolean;
  assertMessage(
    () => count(later),
    TypeError,
    "'options.isFailure' must not return a promise",
  );
});

test("'isFailure' is called as a method of its options (R21)", () => {
  class Settings {
    failureThreshold = 1;
    readonly #fatal = "overloaded";
    isFailure(this: Settings, error: unknown): boolean {
      return (error as Error).message === this.#fatal;
    }
  }
  const health = memoryHealth(new Settings());
  health.report("gpt", "failure", overloaded());
  assertEquals(health.admit("gpt").admit, false);
});

test("report() reads the retry delay from 'retryAfterMs' or the headers of an error (R21)", () => {
  const waits = [
    { retryAfterMs: 7000 },
    { headers: new Headers({ "retry-after-ms": "7000" }) },
    { headers: { "retry-after": "7" } },
    { response: { headers: { "retry-after": "7" } } },
  ];
  for (const wait of waits) {
    const health = memoryHealth();
    const before = Date.now();
    health.report("gpt", "failure", { status: 429, ...wait });
    const admission = health.admit("gpt");
    assert(!admission.admit);
    const left = admission.retryAt - before;
    assert(left >= 7000 && left < 60_000, `${left}`);
  }
});
