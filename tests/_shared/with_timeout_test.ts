import { virtualTime } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { withTimeout } from "../../src/_shared/with_timeout.ts";
import { test } from "../_test_without_permissions.ts";

test("withTimeout() waits as long as it is given, and not at all for a negative time", () =>
  virtualTime(async () => {
    const never = new Promise<never>(() => {});
    for (const [ms, expected] of [[-5, 0], [0, 0], [20, 20]] as const) {
      const start = Date.now();
      assertEquals(await withTimeout(never, ms), undefined);
      assertEquals(Date.now() - start, expected);
    }
    assertEquals(await withTimeout(Promise.resolve("a"), 20), "a");
  }));

test("withTimeout() leaves no timer where the promise comes first", async () => {
  // A timer that is left would fail the test.
  assertEquals(await withTimeout(Promise.resolve("a"), 60_000), "a");
});
