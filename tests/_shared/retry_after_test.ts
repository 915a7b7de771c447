import { APICallError } from "@ai-sdk/provider";
import { assertEquals } from "@std/assert";
import { test } from "../_test_without_permissions.ts";
import { retryAfterOf } from "../../src/_shared/retry_after.ts";

test("retryAfterOf reads the responseHeaders of the AI SDK's errors", () => {
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

test("retryAfterOf reads retryAfterMs, headers, response.headers, responseHeaders, in that order", () => {
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

test("retryAfterOf takes nothing from an error that cannot be looked at", () => {
  const error = {
    get retryAfterMs() {
      throw new Error("no");
    },
  };
  assertEquals(retryAfterOf(error), undefined);
});
