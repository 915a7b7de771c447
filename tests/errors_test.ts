import {
  AllModelsFailedError,
  type Attempt,
  CircuitOpenError,
  EmptyStreamError,
  fallbackStream,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { delay } from "@std/async/delay";
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "./_test_without_permissions.ts";

test("error messages name the model and the option", () =>
  virtualTime(() => {
    const cases: [Error, string, string][] = [
      [
        new ModelTimeoutError('a "b"', "open", 5),
        "ModelTimeoutError",
        String
          .raw`Model "a \"b\"" opened no stream within 5 ms (timeouts.openMs)`,
      ],
      [
        new ModelTimeoutError("gpt", "firstContent", 5_000),
        "ModelTimeoutError",
        'Model "gpt" sent no content within 5000 ms (timeouts.firstContentMs)',
      ],
      [
        new ModelTimeoutError("gpt", "idle", 1),
        "ModelTimeoutError",
        'Model "gpt" sent no further chunk within 1 ms (timeouts.idleMs)',
      ],
      [
        new ModelTimeoutError("gpt", "total", 1),
        "ModelTimeoutError",
        'Model "gpt" did not complete the answer within 1 ms (timeouts.totalMs)',
      ],
      [
        new ModelTimeoutError("gpt", "close", 1),
        "ModelTimeoutError",
        'Model "gpt" did not close within 1 ms (timeouts.closeMs)',
      ],
      [
        new EmptyStreamError("gpt"),
        "EmptyStreamError",
        'Stream of "gpt" ended without content (set allowEmpty to accept this)',
      ],
      [
        new TruncatedStreamError("gpt"),
        "TruncatedStreamError",
        'Stream of "gpt" ended before its final chunk (isFinal)',
      ],
      [
        new CircuitOpenError("gpt", 30_000),
        "CircuitOpenError",
        'Circuit of "gpt" is open for another 30000 ms (health)',
      ],
      [
        new CircuitOpenError("gpt", -1),
        "CircuitOpenError",
        'Circuit of "gpt" is open for another 0 ms (health)',
      ],
    ];
    for (const [error, name, message] of cases) {
      assertInstanceOf(error, Error);
      assertEquals([error.name, error.message], [name, message]);
    }
  }));

test("CircuitOpenError has the remaining time of the circuit when the model was skipped (R21)", () =>
  virtualTime(async () => {
    const error = new CircuitOpenError("gpt", 31_000);
    const { message } = error;
    await delay(500);
    assertEquals([error.model, error.retryAt], ["gpt", 31_000]);
    assertEquals(error.message, message);
  }));

test("AllModelsFailedError has one short line per model, with its causes (R6)", async () => {
  const connectionError = new TypeError("fetch failed", {
    cause: new Error("connection refused"),
  });
  const html = `<html>\n${"x".repeat(5000)}`;
  const models = [
    fakeModel("a\nb", [step.fail(connectionError)]),
    fakeModel("c", [step.fail(new Error(html))]),
  ];
  const { message } = await assertRejects(
    () =>
      fallbackStream(models, "hi", {
        retry: { maxAttempts: 2, minDelayMs: 0, isRetriable: () => true },
      }),
    AllModelsFailedError,
  );
  const lines = message.split("\n");
  assertEquals(lines.length, 3);
  assertEquals(lines[0], "All models failed:");
  assertEquals(lines[1], "a b: fetch failed: connection refused");
  assertEquals(lines[2], `c: <html> ${"x".repeat(192)}…`);
});

test("AllModelsFailedError prints each error once when it is inspected", async () => {
  const models = [fakeModel("a", [step.fail(new Error("overloaded"))])];
  const error = await assertRejects(
    () => fallbackStream(models, "hi"),
    AllModelsFailedError,
  );
  const printed = Deno.inspect(error).match(/Error: overloaded/g);
  assertEquals(printed?.length, 1);
  assertEquals(error.attempts.map(({ model }) => model), ["a"]);
});

test("AllModelsFailedError lists the models in list order, whatever the order of the attempts (R6)", () => {
  const attempts = [2, 0, 1].map((modelIndex, index): Attempt => ({
    model: `model-${modelIndex}`,
    modelIndex,
    number: index + 1,
    startedAt: 0,
    outcome: "failed",
    chunks: 0,
    error: new Error("overloaded"),
  }));
  assertEquals(new AllModelsFailedError(attempts).message.split("\n"), [
    "All models failed:",
    ...[0, 1, 2].map((index) => `model-${index}: overloaded`),
  ]);
});
