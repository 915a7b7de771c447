import { APICallError } from "@ai-sdk/provider";
import { virtualTime } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { test } from "../_test_without_permissions.ts";
import { retryAfterOf } from "../../src/_shared/retry_after.ts";

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

test("retryAfterOf() returns undefined for an error that throws when it is read", () => {
  const error = {
    get retryAfterMs() {
      throw new Error("no");
    },
  };
  assertEquals(retryAfterOf(error), undefined);
});

test("retryAfterOf reads Gemini's RetryInfo from wherever an SDK keeps the body", () => {
  const body = { error: { details: [{}, { retryDelay: "39s" }] } };
  const text = JSON.stringify(body);
  const errors: unknown[] = [
    body,
    body.error,
    [body],
    { body },
    { data: body },
    { responseBody: text },
    { message: `429 Too Many Requests: ${text}` },
  ];
  for (const error of errors) assertEquals(retryAfterOf(error), 39_000);
  assertEquals(retryAfterOf({ message: text.slice(1) }), undefined);
});

test("retryAfterOf reads when an exhausted limit is reset as a duration, seconds, or a time", () =>
  virtualTime(() => {
    const resets: [string, number | undefined][] = [
      ["6m0s", 360_000],
      ["1d2h", 93_600_000],
      ["1.5s", 1500],
      ["20ms", 20],
      ["2500µs", 2.5],
      ["2500us", 2.5],
      ["5", 5000],
      ["999999999", 999_999_999_000],
      ["1000000000", 1_000_000_000_000],
      ["1000000000000", 1_000_000_000_000],
      ["1970-01-01T00:00:07Z", 7000],
      ["Thu, 01 Jan 1970 00:00:08 GMT", 8000],
      ["soon", undefined],
    ];
    for (const [reset, ms] of resets) {
      const headers = {
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": reset,
      };
      assertEquals(retryAfterOf({ status: 429, headers }), ms, reset);
      assertEquals(retryAfterOf({ status: 503, headers }), undefined);
      const unnamed = {
        "ratelimit-remaining": "0",
        "x-ratelimit-reset": reset,
      };
      assertEquals(retryAfterOf({ status: 429, headers: unnamed }), ms, reset);
      const anthropic = {
        "anthropic-ratelimit-tokens-remaining": "0",
        "anthropic-ratelimit-tokens-reset": reset,
      };
      const error = { status: 429, headers: anthropic };
      assertEquals(retryAfterOf(error), ms, reset);
    }
  }));
