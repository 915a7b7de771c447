import { assertEquals } from "@std/assert";
import { AllModelsFailedError } from "@fallback/stream";
import {
  headerOf,
  headersOf,
  holdsForEach,
  statusOf,
} from "../../src/_shared/http_status.ts";
import { retryAfterOf } from "../../src/_shared/retry_after.ts";
import { FAILED_RECORD } from "../_test_attempt.ts";
import { test } from "../_test_without_permissions.ts";

/** An error within `depth` errors, as a cause or as the failure of a chain. */
function nest(error: unknown, depth: number, how: "cause" | "chain"): unknown {
  for (let i = 0; i < depth; i++) {
    error = how === "cause"
      ? new Error("wrapped", { cause: error })
      : new AllModelsFailedError([{ ...FAILED_RECORD, error }]);
  }
  return error;
}

test("statusOf() takes a numeric code from 400 to 599 for a status", () => {
  const codes = [399, 400, 599, 600, "500", "ECONNRESET", 450.5];
  assertEquals(codes.map((code) => statusOf({ code })), [
    undefined,
    400,
    599,
    ...[undefined, undefined, undefined, undefined],
  ]);
});

test("statusOf() reads status, statusCode, status_code, the status of a response, and code, in that order", () => {
  const places: object[] = [
    { status: 1 },
    { statusCode: 2 },
    { status_code: 3 },
    { response: { status: 4 } },
    { httpResponse: { status: 7 } },
    { $metadata: { httpStatusCode: 8 } },
    { code: 405 },
    { cause: { status: 6 } },
  ];
  const statuses = places.map((_, i) =>
    statusOf(Object.assign({ status: "0" }, ...places.slice(i).reverse()))
  );
  assertEquals(statuses, [1, 2, 3, 4, 7, 8, 405, 6]);
});

test("headersOf() reads headers of any kind, from wherever an SDK keeps them", () => {
  const kinds: unknown[] = [
    new Headers({ "x-a": "1, 2" }),
    new Map([["x-a", "1"], ["X-A", "2"]]),
    [["x-a", 1], ["x-a", 2]],
    { ":status": "429", "x-a": "1, 2" },
  ];
  for (const headers of kinds) {
    for (
      const error of [
        { headers },
        { headers: {}, response: { headers } },
        { headers: [1], responseHeaders: headers },
        { headers: "x-a", rawResponse: { headers } },
        { httpResponse: { headers } },
        { $response: { headers } },
        { headers: null, cause: { headers } },
      ]
    ) {
      assertEquals([...headersOf(error) ?? []], [["x-a", "1, 2"]]);
    }
  }
  for (const headers of [undefined, null, {}, "x-a", [1]]) {
    assertEquals(headersOf({ headers }), undefined);
  }
});

test("statusOf(), headerOf() and retryAfterOf() look five errors deep", () => {
  const error = { status: 429, retryAfterMs: 7, headers: { "x-a": "b" } };
  for (const [depth, isFound] of [[5, true], [6, false]] as const) {
    const chain = nest(error, depth, "chain");
    const cause = nest(error, depth, "cause");
    assertEquals(statusOf(chain), isFound ? 429 : undefined);
    assertEquals(statusOf(cause), isFound ? 429 : undefined);
    assertEquals(retryAfterOf(chain), isFound ? 7 : undefined);
    assertEquals(headerOf(cause, "x-a"), isFound ? "b" : undefined);
  }
});

test("holdsForEach() looks through six chains, and takes a deeper one for an error", () => {
  const error = new Error("overloaded");
  const isError = (each: unknown) => each === error;
  assertEquals(holdsForEach(nest(error, 6, "chain"), isError), true);
  assertEquals(holdsForEach(nest(error, 7, "chain"), isError), false);
});

test("holdsForEach() tests an AllModelsFailedError without errors itself", () => {
  assertEquals(holdsForEach(new AllModelsFailedError([]), () => false), false);
});

test("statusOf() returns of an AllModelsFailedError the status that all its errors have", () => {
  const statusOfAll = (...statuses: number[]) =>
    statusOf(
      new AllModelsFailedError(
        statuses.map((status) => ({ ...FAILED_RECORD, error: { status } })),
      ),
    );
  assertEquals(statusOfAll(429, 429), 429);
  assertEquals(statusOfAll(429, 503), undefined);
});
