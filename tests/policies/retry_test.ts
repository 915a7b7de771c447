import { fallbackStream } from "@fallback/stream";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { test } from "../_test_without_permissions.ts";

/** How often a model is called that always fails with this error. */
async function timesCalled(error: object): Promise<number> {
  const model = fakeModel("a", [step.fail(error)]);
  await virtualTime(() =>
    fallbackStream([model], "hi", { retry: { maxAttempts: 3 } })
      .then((stream) => stream.return(), () => {})
  );
  return model.journal.calls.length;
}

test("isRetriable accepts transient errors by default, but no exhausted quota, nor what the provider says not to retry (R18)", async () => {
  const busy = { status: 429 };
  const headers = { "x-should-retry": "false" };
  assertEquals(await timesCalled(busy), 3);
  assertEquals(await timesCalled({ ...busy, code: "rate_limit" }), 3);
  const empty = { code: "insufficient_quota" };
  for (const holder of [empty, { error: empty }, { data: { error: empty } }]) {
    assertEquals(await timesCalled({ ...busy, ...holder }), 1);
  }
  assertEquals(await timesCalled({ ...busy, headers }), 1);
  assertEquals(await timesCalled({ status: 401 }), 1);
});
