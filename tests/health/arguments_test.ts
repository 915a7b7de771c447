import {
  EmptyStreamError,
  hasStatus,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { type CircuitOptions, memoryHealth } from "@fallback/stream/health";
import { kvHealth, type KvHealthOptions } from "@fallback/stream/kv";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "../_pure.ts";
import { FakeKv } from "./_fake_kv.ts";

const kv = new FakeKv().connect();

/** How many of these failures count. */
function counted(options: CircuitOptions, ...errors: unknown[]): number {
  const health = memoryHealth({
    ...options,
    failureThreshold: errors.length + 1,
  });
  for (const error of errors) health.report("gpt", "failure", error);
  return health.snapshot()[0]?.failures ?? 0;
}

const withStatus = (status: number) =>
  Object.assign(new Error("refused"), { status });

test("R21 a number that is out of range is named with its value", () => {
  const wrong: Record<string, number[]> = {
    failures: [0, -1, 1.5, NaN, -Infinity],
    minimumThroughput: [0, -1, 1.5, NaN, Infinity],
    failureRateThreshold: [-0.1, 1.1, NaN, Infinity],
    windowMs: [-1, NaN, Infinity, 2 ** 31],
    cooldownMs: [-1, NaN, Infinity, 2 ** 31],
    maxCooldownMs: [-1, NaN, Infinity, 2 ** 31],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const options = { [name]: value };
      for (const make of [memoryHealth, kvHealth.bind(null, kv)]) {
        const error = assertThrows(
          () => make(options),
          RangeError,
          `'${name}'`,
        );
        assert(error.message.includes(`${value}`), error.message);
      }
    }
  }
  for (const cacheMs of [-1, NaN, Infinity, 2 ** 31]) {
    const make = () => kvHealth(kv, { cacheMs });
    const error = assertThrows(make, RangeError, "'cacheMs'");
    assert(error.message.includes(`${cacheMs}`), error.message);
  }
});

test("R21 an option of the wrong kind is named with its value", () => {
  const names = [
    ...["failures", "minimumThroughput", "failureRateThreshold", "windowMs"],
    ...["cooldownMs", "maxCooldownMs", "isFailure", "cacheMs", "prefix"],
  ];
  for (const name of names) {
    for (const value of [null, "5", {}, 5n]) {
      const options = { [name]: value } as KvHealthOptions;
      const says = value === null || typeof value === "object"
        ? JSON.stringify(value)
        : `${value}`;
      const error = assertThrows(
        () => kvHealth(kv, options),
        TypeError,
        `'${name}'`,
      );
      assert(error.message.includes(says), error.message);
      if (name === "cacheMs" || name === "prefix") continue;
      assertThrows(() => memoryHealth(options), TypeError, `'${name}'`);
    }
  }
  for (const none of [null, 5, "options"]) {
    const options = none as unknown as CircuitOptions;
    assertThrows(() => memoryHealth(options), TypeError, "'options'");
    assertThrows(() => kvHealth(kv, options), TypeError, "'options'");
  }
  for (const none of [undefined, null, {}, 5, "kv"]) {
    const make = () => kvHealth(none as unknown as typeof kv);
    assertThrows(make, TypeError, "'kv'");
  }
});

test("R21 options fit each other, and every edge is within range", () => {
  const longest = 2 ** 31 - 1;
  memoryHealth({
    failureThreshold: Infinity,
    failureRateThreshold: 0,
    minimumThroughput: 1,
  });
  memoryHealth({ failureRateThreshold: 1, windowMs: 0, cooldownMs: 0 });
  memoryHealth({ windowMs: longest, cooldownMs: longest });
  memoryHealth({ cooldownMs: 400_000 });
  memoryHealth({ maxCooldownMs: 10_000 });
  memoryHealth({ cooldownMs: 0, maxCooldownMs: 0 });
  kvHealth(kv, { cacheMs: 0, prefix: [] });
  kvHealth(kv, { cacheMs: longest });
  const make = () => memoryHealth({ cooldownMs: 2, maxCooldownMs: 1 });
  assertThrows(
    make,
    RangeError,
    "'cooldownMs' must be at most 'maxCooldownMs'",
  );
});

test("R21 what counts by default is what may be the server's fault", () => {
  for (const status of [408, 429, 500, 502, 503, 504, 529, 599]) {
    assertEquals(counted({}, withStatus(status)), 1, `${status}`);
  }
  for (const status of [400, 401, 403, 404, 409, 413, 422]) {
    assertEquals(counted({}, withStatus(status)), 0, `${status}`);
  }
  const ours = [
    new ModelTimeoutError("gpt", "firstContent", 5),
    new EmptyStreamError("gpt"),
    new TruncatedStreamError("gpt"),
  ];
  assertEquals(counted({}, ...ours), 3);
  const odd = [new TypeError("fetch failed"), undefined, null, "text", 7];
  assertEquals(counted({}, ...odd), 5);
  assertEquals(counted({}, { statusCode: 503 }, { statusCode: 404 }), 1);
  const nested = { response: { status: 422 } };
  assertEquals(counted({}, nested), 0);
});

test("R21 'isFailure' is a class, a predicate, statuses, or any of a list", () => {
  const type = new TypeError("fetch failed");
  const range = new RangeError("?");
  const errors = [type, range, withStatus(404), withStatus(503)];
  const count = (isFailure: CircuitOptions["isFailure"]) =>
    counted({ isFailure }, ...errors);
  assertEquals(count(TypeError), 1);
  assertEquals(count(Error), 4);
  assertEquals(count((error) => error === range), 1);
  assertEquals(count(hasStatus(404)), 1);
  assertEquals(count(hasStatus("4xx", "5xx")), 2);
  assertEquals(count([TypeError, hasStatus(404)]), 2);
  assertEquals(count(() => false), 0);
  assertThrows(
    () => memoryHealth({ isFailure: [] }),
    RangeError,
    "'isFailure'",
  );
  const hole = [undefined] as unknown as CircuitOptions["isFailure"];
  assertThrows(
    () => memoryHealth({ isFailure: hole }),
    TypeError,
    "'isFailure'",
  );
});

test("R21 a report throws what 'isFailure' throws, and counts nothing", async () => {
  const isFailure = () => {
    throw new SyntaxError("no idea");
  };
  const memory = memoryHealth({ isFailure });
  const shared = kvHealth(new FakeKv().connect(), { isFailure });
  for (const store of [memory, shared]) {
    assertThrows(() => store.report("gpt", "failure"), SyntaxError, "no idea");
    store.report("gpt", "success");
    assertEquals(await store.snapshot(), []);
  }
});

test("R21 'isFailure' is called as a method of its options", () => {
  class Rules {
    failures = 1;
    readonly #fatal = "overloaded";
    isFailure(this: Rules, error: unknown): boolean {
      return (error as Error).message === this.#fatal;
    }
  }
  const health = memoryHealth(new Rules());
  health.report("gpt", "failure", new Error("overloaded"));
  assertEquals(health.admit("gpt").admit, false);
});

test("R21 a provider's wish is read from its headers too", () => {
  const wishes = [
    { retryAfterMs: 7000 },
    { headers: new Headers({ "retry-after-ms": "7000" }) },
    { headers: { "retry-after": "7" } },
    { response: { headers: { "retry-after": "7" } } },
  ];
  for (const wish of wishes) {
    const health = memoryHealth();
    const before = Date.now();
    health.report("gpt", "failure", { status: 429, ...wish });
    const admission = health.admit("gpt");
    assert(!admission.admit);
    const left = admission.retryAt - before;
    assert(left >= 7000 && left < 8000, `${left}`);
  }
});
