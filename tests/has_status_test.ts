import { type Attempt, hasStatus } from "@fallback/stream";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "./_test_without_permissions.ts";

function accepts(codes: (number | "4xx" | "5xx")[], error: unknown): unknown {
  const condition = hasStatus(...codes) as (
    error: unknown,
    attempt: Attempt,
  ) => unknown;
  return condition(error, {} as Attempt);
}

test("hasStatus() reads status, then statusCode, then response.status", () => {
  assertEquals(accepts([429], { status: 429, statusCode: 500 }), true);
  assertEquals(accepts([429], { statusCode: 429 }), true);
  assertEquals(
    accepts([429], { status: "x", response: { status: 429 } }),
    true,
  );
  assertEquals(accepts([429], { status: 500, statusCode: 429 }), false);
});

test("hasStatus() matches codes and classes, and no error without a status", () => {
  for (const status of [400, 404, 499]) {
    assertEquals(accepts(["4xx"], { status }), true);
    assertEquals(accepts([401, "5xx"], { status }), false);
  }
  assertEquals(accepts([408, "5xx"], { status: 529 }), true);
  assertEquals(accepts([100, 599], { status: 599 }), true);
  const without = [undefined, null, 429, "429", new Error("429"), {}];
  for (const error of without) {
    assertEquals(accepts([429, "4xx", "5xx"], error), false);
  }
});

test("hasStatus() throws with the value of an invalid code", () => {
  assertThrows(() => hasStatus(), RangeError, "'codes' must not be empty");
  for (const code of [99, 600, 4.5, NaN, "3xx", "429"]) {
    assertThrows(() => hasStatus(code as number), RangeError, `${code}`);
  }
});

test("hasStatus() returns false for an error that throws when it is read", () => {
  const error = {
    get status() {
      throw new Error("no");
    },
  };
  assertEquals(accepts(["4xx", "5xx"], error), false);
});
