// How the finish_reason of a model appears in attempts and errors.

import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import {
  EmptyStreamError,
  fallbackStream,
  formatAttempts,
  hasStatus,
  isTransient,
} from "@fallback/stream";
import { openaiModel, StreamError } from "@fallback/stream/openai";
import { fakeProvider, wire, type WireScript } from "@fallback/stream/testing";

function modelOf(name: string, script: WireScript) {
  return openaiModel({ model: name, fetch: fakeProvider(script).fetch });
}

const backup = modelOf("backup", ["Hello"]);
const request = { messages: [] };

Deno.test("formatAttempts() shows an unknown finish_reason", async () => {
  const model = modelOf("m", ["Hi", wire.finish("enough\n said")]);
  await using stream = await fallbackStream([model], request);
  for await (const _ of stream);

  assertEquals(stream.attempts[0]?.finishReason, "enough\n said");
  assertStringIncludes(
    formatAttempts(stream.attempts),
    'finish_reason "enough said"',
  );
});

Deno.test("an attempt has no finishReason for a usual finish_reason", async () => {
  for (const reason of ["stop", "length", "tool_calls", "content_filter"]) {
    const model = modelOf("m", ["Hi", wire.finish(reason)]);
    await using stream = await fallbackStream([model], request);
    for await (const _ of stream);
    assertEquals(Object.hasOwn(stream.attempts[0]!, "finishReason"), false);
  }
});

Deno.test("EmptyStreamError has the finish_reason of an empty answer", async () => {
  const model = modelOf("m", [wire.finish("length")]);
  await using stream = await fallbackStream([model, backup], request);

  const error = stream.attempts[0]?.error;
  assertInstanceOf(error, EmptyStreamError);
  assertEquals(error.finishReason, "length");
  assertStringIncludes(
    error.message,
    'without content, finish_reason "length"',
  );
});

Deno.test("fallbackStream() falls back on a filtered answer, without a retry or a failure for health", async () => {
  const { calls, fetch } = fakeProvider([wire.finish("content_filter")]);
  const model = openaiModel({ model: "m", fetch });
  await using stream = await fallbackStream([model, backup], request, {
    retry: { minDelayMs: 0 },
    allowEmpty: true,
  });

  const error = stream.attempts[0]?.error;
  assertInstanceOf(error, StreamError);
  assertEquals(error.code, "content_filter");
  assertEquals([hasStatus(400)(error), isTransient(error)], [true, false]);
  assertEquals(calls.length, 1);
  assertEquals(stream.model, "backup");
});

Deno.test("a finish_reason that names an error has the status of that error", async () => {
  for (const reason of ["server_error", "INTERNAL_ERROR", "upstream_error"]) {
    const model = modelOf("m", [wire.finish(reason)]);
    await using stream = await fallbackStream([model, backup], request, {
      fallbackOn: hasStatus("5xx"),
    });
    assertEquals(stream.model, "backup", reason);
  }
});
