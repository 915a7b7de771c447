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
import {
  finishFailure,
  finishReasonText,
  isFiltered,
  isUsual,
} from "../../src/openai/_finish_reason.ts";

/** What means failure, by the status that it amounts to. */
const FAILURES: Record<string, string> = {
  429:
    "insufficient_quota quota_exceeded rate_limit rate_limit_exceeded rate_limited throttled",
  500: "server_error INTERNAL_ERROR",
  502: "upstream_error",
  503:
    "insufficient_system_resource capacity no_capacity engine_overloaded evicted overload overloaded preempted server_overloaded service_unavailable unavailable",
  504: "deadline_exceeded time_limit timed_out timeout",
  none:
    "network_error abort aborted malformed_function_call malformed_response unexpected_tool_call too_many_tool_calls cancel canceled cancelled connection_closed Connection-Lost connection.reset crash crashed disconnect disconnected exception fail failed failure incomplete interrupt interrupted killed out_of_memory shutdown terminated error an_error_occurred function_call_filter:MALFORMED_FUNCTION_CALL",
};

/** What means that a filter has withheld the answer. */
const FILTERS =
  "content_filter content_filtered content_moderation content_policy_violation sensitive error_toxic refusal guardrail_intervened SAFETY IMAGE_SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII flagged moderated moderation policy_violation";

const USUAL = ["stop", "length", "tool_calls", "function_call"];

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
  for (const reason of [...USUAL, "content_filter"]) {
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

Deno.test("finishFailure() returns a failure with its status", () => {
  for (const [status, reasons] of Object.entries(FAILURES)) {
    for (const reason of reasons.split(" ")) {
      assertEquals(finishFailure(reason), {
        reason,
        status: status === "none" ? undefined : Number(status),
      });
    }
  }
  for (const reason of [...FILTERS.split(" "), ...USUAL, "", "terror"]) {
    assertEquals(finishFailure(reason), undefined, reason);
  }
  const reason = "a: Connection \n-lost ";
  assertEquals(finishFailure(reason), { reason, status: undefined });
});

Deno.test("isFiltered() is true for a reason, or a part of one, that names a filter", () => {
  for (const reason of [...FILTERS.split(" "), "finish: SAFETY"]) {
    assertEquals(isFiltered(reason), true, reason);
  }
  for (const reason of [...USUAL, "", "filter: none"]) {
    assertEquals(isFiltered(reason), false, reason);
  }
});

Deno.test("finishReasonText() returns a reason as a text, or the type of one", () => {
  const reasons: [reason: unknown, text: string][] = [
    [null, ""],
    [undefined, ""],
    ["Stop", "Stop"],
    [7, "7"],
    [{ type: "abort" }, "abort"],
    [{ type: 7 }, "[object Object]"],
  ];
  for (const [reason, text] of reasons) {
    assertEquals(finishReasonText(reason), text);
  }
  assertEquals(["", "eos", ...USUAL].filter(isUsual), USUAL);
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
