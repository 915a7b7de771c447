import {
  AllModelsFailedError,
  type Attempt,
  CircuitOpenError,
  EmptyStreamError,
  isTransient,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { assertEquals } from "@std/assert";
import { test } from "./_test_without_permissions.ts";

function failed(...errors: unknown[]): AllModelsFailedError {
  const attempts = errors.map((error, modelIndex): Attempt => ({
    model: `model-${modelIndex}`,
    modelIndex,
    number: modelIndex + 1,
    startedAt: 0,
    outcome: "failed",
    chunks: 0,
    error,
  }));
  return new AllModelsFailedError(attempts);
}

test("isTransient() is true for 408, 425, 429 and 5xx, and for no other status", () => {
  const transient = [408, 425, 429, 500, 503, 529, 599];
  for (let status = 100; status < 600; status++) {
    const expected = status >= 500 || transient.includes(status);
    assertEquals(isTransient({ status }), expected, `${status}`);
  }
});

test("isTransient() is true for errors without a status", () => {
  const cyclic = new Error("cyclic");
  cyclic.cause = cyclic;
  const errors = [
    new TypeError("fetch failed"),
    new ModelTimeoutError("a", "idle", 1),
    new EmptyStreamError("a"),
    new TruncatedStreamError("a"),
    new CircuitOpenError("a", 1),
    cyclic,
    "text",
    undefined,
  ];
  for (const error of errors) assertEquals(isTransient(error), true);
});

test("isTransient() reads the status of a cause", () => {
  const cause = Object.assign(new Error("forbidden"), { status: 403 });
  assertEquals(isTransient(new Error("failed", { cause })), false);
});

test("isTransient() is true for an AllModelsFailedError if it is true for each of its errors", () => {
  const busy = { status: 503 };
  const forbidden = { status: 403 };
  assertEquals(isTransient(failed(busy, new Error("reset"))), true);
  assertEquals(isTransient(failed(busy, forbidden)), false);
  assertEquals(isTransient(failed(busy, failed(busy, forbidden))), false);
});
