import { type ErrorCondition, fallbackStream } from "@fallback/stream";
import { fakeModel, step } from "@fallback/stream/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "../_test_without_permissions.ts";

class QuotaError extends Error {}

/** How many models are called where the first throws `error`. */
async function modelsCalled(
  fallbackOn: ErrorCondition,
  error: unknown,
): Promise<number> {
  const first = fakeModel("a", [step.fail(error)]);
  const second = fakeModel("b", ["Hello"]);
  await fallbackStream([first, second], "hi", { fallbackOn })
    .then((stream) => stream.return(), () => {});
  return first.journal.calls.length + second.journal.calls.length;
}

test("an ErrorCondition that is a list holds if one of its classes or predicates does", async () => {
  const isNamedBusy = (error: unknown) => `${error}` === "Error: busy";
  const cases: [ErrorCondition, unknown, number][] = [
    [[QuotaError, isNamedBusy], new QuotaError(), 2],
    [[QuotaError, isNamedBusy], new Error("busy"), 2],
    [[isNamedBusy, QuotaError], new QuotaError(), 2],
    [[QuotaError, isNamedBusy], new Error("refused"), 1],
    [QuotaError, new QuotaError(), 2],
    [QuotaError, new Error("busy"), 1],
    [isNamedBusy, new Error("busy"), 2],
  ];
  for (const [condition, error, expected] of cases) {
    assertEquals(await modelsCalled(condition, error), expected, `${error}`);
  }
});

test("an isRetriable that returns a promise ends the call with a TypeError that names it", async () => {
  const models = [fakeModel("a", [step.fail(new Error("busy"))])];
  const isRetriable = () => Promise.resolve(true) as never;
  const error = await assertRejects(() =>
    fallbackStream(models, "hi", { retry: { isRetriable } })
  );
  assertEquals(
    `${(error as SuppressedError).error}`,
    "TypeError: 'options.retry.isRetriable' must not return a promise",
  );
});

test("isRetriable that is a list holds if one of its classes or predicates does", async () => {
  const isNamedBusy = (error: unknown) => `${error}` === "Error: busy";
  const cases: [unknown, number][] = [
    [new QuotaError(), 2],
    [new Error("busy"), 2],
    [new Error("refused"), 1],
  ];
  for (const [error, expected] of cases) {
    const model = fakeModel("a", [step.fail(error)]);
    await assertRejects(() =>
      fallbackStream([model], "hi", {
        retry: {
          isRetriable: [QuotaError, isNamedBusy],
          maxAttempts: 2,
          minDelayMs: 0,
        },
      })
    );
    assertEquals(model.journal.calls.length, expected, `${error}`);
  }
});
