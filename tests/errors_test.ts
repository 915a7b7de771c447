import {
  AllModelsFailedError,
  type Attempt,
  CircuitOpenError,
  EmptyStreamError,
  fallbackStream,
  ModelTimeoutError,
  type TimeoutPhase,
  TruncatedStreamError,
} from "@fallback/stream";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { delay } from "@std/async/delay";
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { nameAndMessage } from "../src/_shared/error_text.ts";
import { test } from "./_test_without_permissions.ts";

test("errors have a message with the model and the option, and the facts as properties", () =>
  virtualTime(async () => {
    await delay(500);
    const model = "gpt";
    const timeout = (phase: TimeoutPhase, ms: number) => ({
      error: new ModelTimeoutError(model, phase, ms),
      name: "ModelTimeoutError",
      facts: { model, phase, ms },
    });
    const circuit = (retryAt: number) => ({
      error: new CircuitOpenError(model, retryAt),
      name: "CircuitOpenError",
      facts: { model, retryAt },
    });
    const cases = [
      {
        error: new ModelTimeoutError('a "b"', "open", 5),
        name: "ModelTimeoutError",
        facts: { model: 'a "b"', phase: "open", ms: 5 },
        message: String
          .raw`Model "a \"b\"" opened no stream within 5 ms (timeouts.openMs)`,
      },
      {
        ...timeout("firstContent", 5_000),
        message:
          'Model "gpt" sent no content within 5000 ms (timeouts.firstContentMs)',
      },
      {
        ...timeout("idle", 1),
        message:
          'Model "gpt" sent no further chunk within 1 ms (timeouts.idleMs)',
      },
      {
        ...timeout("total", 1),
        message:
          'Model "gpt" did not complete the answer within 1 ms (timeouts.totalMs)',
      },
      {
        ...timeout("close", 1),
        message: 'Model "gpt" did not close within 1 ms (timeouts.closeMs)',
      },
      {
        error: new EmptyStreamError(model),
        name: "EmptyStreamError",
        facts: { model },
        message:
          'Stream of "gpt" ended without content (set allowEmpty to accept this)',
      },
      {
        error: new EmptyStreamError(model, "a\nb"),
        name: "EmptyStreamError",
        facts: { model, finishReason: "a\nb" },
        message:
          'Stream of "gpt" ended without content, finish_reason "a b" (set allowEmpty to accept this)',
      },
      {
        error: new TruncatedStreamError(model),
        name: "TruncatedStreamError",
        facts: { model },
        message: 'Stream of "gpt" ended before its final chunk (isFinal)',
      },
      {
        ...circuit(30_500),
        message: 'Circuit of "gpt" is open for another 30000 ms (health)',
      },
      {
        ...circuit(499),
        message: 'Circuit of "gpt" is open for another 0 ms (health)',
      },
    ];
    for (const { error, name, facts, message } of cases) {
      assertInstanceOf(error, Error);
      assertEquals({ ...error }, { name, ...facts } as unknown);
      assertEquals(error.message, message);
      assertEquals(nameAndMessage(error), message);
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
  const attempts = [2, 0, 1, 3, 4].map((modelIndex, index): Attempt => ({
    model: `model-${modelIndex}`,
    modelIndex,
    number: index + 1,
    startedAt: 0,
    outcome: modelIndex === 3 ? "skipped" : "failed",
    chunks: 0,
    ...(modelIndex < 4 && { error: `error-${modelIndex}` }),
  }));
  const error = new AllModelsFailedError(attempts);
  assertEquals(error.name, "AllModelsFailedError");
  assertEquals(error.errors, ["error-2", "error-0", "error-1"]);
  assertEquals(error.message.split("\n"), [
    "All models failed:",
    ...[0, 1, 2, 3].map((index) => `model-${index}: error-${index}`),
  ]);
  assertEquals(Object.getOwnPropertyDescriptor(error, "attempts"), {
    value: attempts,
    writable: false,
    enumerable: false,
    configurable: true,
  });
});
