import { fallbackStream } from "@fallback/stream";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { stub } from "@std/testing/mock";
import { test } from "../_test_without_permissions.ts";

test("a hedge ignores the timer of a failed model that fires after clearTimeout() (R19)", async () => {
  const models = [
    fakeModel("a", [step.wait(5), step.fail(new Error("overloaded"))]),
    fakeModel("b", [step.wait(20), "b0"]),
    fakeModel("c", ["c0"]),
  ];
  await virtualTime(async () => {
    // As in Deno before 2.7, where timers are due at the same time.
    using _ = stub(globalThis, "clearTimeout", () => {});
    const stream = await fallbackStream(models, "hi", {
      hedge: { afterMs: (model) => model === "a" ? 10 : undefined },
    });
    await stream.return();
    assertEquals(stream.attempts.map(({ model }) => model), ["a", "b"]);
  });
});
