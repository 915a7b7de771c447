import { APICallError } from "@ai-sdk/provider";
import { AllModelsFailedError, type Attempt } from "@fallback/stream";
import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { FAILED_RECORD } from "../_test_attempt.ts";
import { test } from "../_test_without_permissions.ts";
import {
  parseRetryAfter,
  retryAfterOf,
} from "../../src/_shared/retry_after.ts";

test("retryAfterOf() reads the responseHeaders of the AI SDK's errors", () => {
  const error = new APICallError({
    message: "busy",
    url: "https://host/",
    requestBodyValues: {},
    responseHeaders: { "retry-after": "7" },
  });
  assertEquals(retryAfterOf(error), 7_000);
  assertEquals(
    retryAfterOf({ responseHeaders: { "retry-after-ms": "250" } }),
    250,
  );
  assertEquals(retryAfterOf({ responseHeaders: {} }), undefined);
  assertEquals(retryAfterOf({ responseHeaders: null }), undefined);
  assertEquals(retryAfterOf({ responseHeaders: "none" }), undefined);
});

test("retryAfterOf() reads retryAfterMs, headers, response.headers and responseHeaders, in that order", () => {
  const of = (seconds: number) => ({ "retry-after": `${seconds}` });
  const all = {
    retryAfterMs: 1,
    headers: of(2),
    response: { headers: of(3) },
    responseHeaders: of(4),
  };
  const { retryAfterMs: _, ...withHeaders } = all;
  const { headers: __, ...withResponse } = withHeaders;
  const { response: ___, ...last } = withResponse;
  assertEquals(
    [all, withHeaders, withResponse, last].map(retryAfterOf),
    [1, 2_000, 3_000, 4_000],
  );
});

test("retryAfterOf() ignores a retryAfterMs that is no wait, and takes the shortest of a chain", () => {
  const waits = [0, -1, "5"].map((retryAfterMs) =>
    retryAfterOf({ retryAfterMs, headers: { "retry-after-ms": "9" } })
  );
  assertEquals(waits, [0, 9, 9]);
  const failed = (...waits: (number | undefined)[]) =>
    new AllModelsFailedError(waits.map((retryAfterMs, modelIndex): Attempt => ({
      ...FAILED_RECORD,
      modelIndex,
      error: { retryAfterMs },
    })));
  assertEquals(retryAfterOf(failed(7, undefined, 5)), 5);
  assertEquals(retryAfterOf(failed(undefined)), undefined);
});

test("parseRetryAfter() reads milliseconds, seconds, and the dates of RFC 9110", () => {
  using _time = new FakeTime("2024-05-05T10:00:00Z");
  const years = (count: number) =>
    Date.UTC(2024 + count, 4, 5, 10, 0, 7) - Date.now();
  const day = 86_400_000;
  const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const waits: [string, number | undefined][] = [
    ["1.5", 1500],
    ["Sun, 05 May 2024 10:01:00 GMT", 60_000],
    ["Sunday, 05-May-24 10:01:00 GMT", 60_000],
    ["Sunday, 05-May-74 10:00:07 GMT", years(50)],
    ["Sunday, 05-May-75 10:00:07 GMT", 0],
    ["Sun May  5 10:01:00 2024", 60_000],
    ["Sun May 15 10:00:00 2024", 10 * day],
    ["Sun, 05 May 2024 09:59:59 GMT", 0],
    ["Sun, 05 Anf 2024 10:01:00 GMT", undefined],
    ["Sun, 05 Xyz 2024 10:01:00 GMT", undefined],
    ["Sun, 05 May 2024 12345678 GMT", undefined],
    ["-5", undefined],
    ["1.", undefined],
    ...months.map((month, index): [string, number] => [
      `Sun, 05 ${month} 2025 10:00:00 GMT`,
      Date.UTC(2025, index, 5, 10) - Date.now(),
    ]),
  ];
  for (const [value, ms] of waits) {
    const headers = new Headers({ "retry-after": value });
    assertEquals(parseRetryAfter(headers), ms, value);
  }
  for (const [ms, expected] of [["150", 150], ["soon", 20_000]] as const) {
    const headers = new Headers({ "retry-after": "20", "retry-after-ms": ms });
    assertEquals(parseRetryAfter(headers), expected);
  }
});

test("retryAfterOf() returns undefined for an error that throws when it is read", () => {
  const error = {
    get retryAfterMs() {
      throw new Error("no");
    },
  };
  assertEquals(retryAfterOf(error), undefined);
});

test("retryAfterOf() reads Gemini's RetryInfo from wherever an SDK keeps the body", () => {
  const body = { error: { details: [{}, { retryDelay: "39s" }] } };
  const text = JSON.stringify(body);
  const errors: unknown[] = [
    body,
    body.error,
    [body, {}],
    { body },
    { data: body },
    { responseBody: text },
    { message: `429 Too Many Requests: ${text}` },
  ];
  for (const error of errors) assertEquals(retryAfterOf(error), 39_000);
  assertEquals(retryAfterOf({ message: text.slice(1) }), undefined);
  const details = [{ retryDelay: 39 }, { retryDelay: "soon" }];
  assertEquals(retryAfterOf({ details, message: 39 }), undefined);
});

test("retryAfterOf() reads when an exhausted limit is reset as a duration, seconds, or a time", () => {
  const now = 1_000_000_007_000;
  using _time = new FakeTime(now);
  const resets: [string, number | undefined][] = [
    ["6m0s", 360_000],
    ["1d2h", 93_600_000],
    ["1.5s", 1500],
    ["20ms", 20],
    ["2500µs", 2.5],
    ["2500us", 2.5],
    ["5", 5000],
    ["999999999", 999_999_999_000],
    ["1000000000", 0],
    ["1000000009", 2000],
    ["999999999999", 999_999_999_999_000 - now],
    ["1000000000000", 0],
    ["1000000008000", 1000],
    ["0s", 0],
    ["3m", 180_000],
    ["2001-09-09T01:46:49Z", 2000],
    ["2001-09-09T01:46:46Z", 0],
    ["Sun, 09 Sep 2001 01:46:48 GMT", 1000],
    ["soon", undefined],
  ];
  for (const [reset, ms] of resets) {
    const headers = {
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": reset,
    };
    assertEquals(retryAfterOf({ status: 429, headers }), ms, reset);
    assertEquals(retryAfterOf({ status: 503, headers }), undefined);
    for (const name of ["x-ratelimit-reset", "ratelimit-reset"]) {
      const unnamed = { "ratelimit-remaining": "0", [name]: reset };
      assertEquals(retryAfterOf({ status: 429, headers: unnamed }), ms, reset);
    }
    const anthropic = {
      "anthropic-ratelimit-tokens-remaining": "0",
      "anthropic-ratelimit-tokens-reset": reset,
    };
    const error = { status: 429, headers: anthropic };
    assertEquals(retryAfterOf(error), ms, reset);
  }
});

test("retryAfterOf() takes the last reset of the limits that are exhausted", () => {
  const resets = (remaining: Record<string, string>) =>
    retryAfterOf({
      status: 429,
      headers: {
        "x-ratelimit-reset-a": "1s",
        "x-ratelimit-reset-b": "5s",
        "x-ratelimit-reset-c": "3s",
        ...Object.fromEntries(
          Object.entries(remaining).map((
            [limit, left],
          ) => [`x-ratelimit-remaining-${limit}`, left]),
        ),
      },
    });
  assertEquals(resets({ a: "0", b: "0", c: "0", d: "0" }), 5000);
  assertEquals(resets({ a: "0", b: "1", c: "" }), 1000);
  assertEquals(resets({ a: "many", b: "1", c: "" }), undefined);
});
