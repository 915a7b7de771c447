import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { HttpError } from "@fallback/stream/openai";
import { fakeProvider, step, wire } from "@fallback/stream/testing";
import { HttpAttempt, read } from "./_http_attempt.ts";

Deno.test("openaiModel() throws HttpError with the message of the server", async () => {
  await using httpAttempt = new HttpAttempt([
    wire.status(401, {
      headers: { "x-request-id": "r1" },
      body: { error: { message: "No such\n\u001b[31mkey", type: "auth" } },
    }),
  ]);

  const error = await httpAttempt.failure();

  assertInstanceOf(error, HttpError);
  assertEquals(error.name, "HttpError");
  assertEquals(error.status, 401);
  assertEquals(error.message, "401 No such [31mkey");
  assertEquals(error.headers.get("x-request-id"), "r1");
  assertStringIncludes(error.body, '"type":"auth"');
  assertEquals(error.retryAfterMs, undefined);
  assertEquals(httpAttempt.call.outcome, "completed");
});

Deno.test("openaiModel() reads the error message of every kind of server", async () => {
  const messages: [string | object, string][] = [
    [{ error: { type: "overloaded_error" } }, "529 overloaded_error"],
    [{ error: { message: "Busy", type: "x", code: "y" } }, "529 Busy"],
    [{
      success: false,
      errors: [{ code: 7003, message: "Could not route" }],
    }, "529 Could not route"],
    ['data: {"error":{"message":"No such model"}}\n\n', "529 No such model"],
    ['event: error\ndata: {"message":"Busy"}\n\n', "529 Busy"],
    [{ error: true, message: "Broken" }, "529 Broken"],
    [{ error: { error: { message: "Inner" } } }, "529 Inner"],
    [{ code: 1001, msg: "Bad" }, "529 Bad"],
    [
      { detail: [{ loc: ["body"], msg: "field required" }] },
      "529 field required",
    ],
    [{ base_resp: { status_code: 1002, status_msg: "slow" } }, "529 slow"],
    [{ error: { message: "", code: 7 } }, "529 7"],
    [{ error: "model not found" }, "529 model not found"],
    [{ object: "error", message: "Bad" }, "529 Bad"],
    [{ detail: "Not Found" }, "529 Not Found"],
    [[{ error: { code: 503, message: "Down" } }], "529 Down"],
    [{ error: { message: "x".repeat(999) } }, `529 ${"x".repeat(199)}…`],
    ["upstream connect error", "529 upstream connect error"],
    ["<html><p>Sorry</p></html>", "529"],
    ['{"error": {"message": "cut o', "529"],
    ["", "529"],
  ];
  for (const [body, message] of messages) {
    const error = await assertRejects(() => read([wire.status(529, { body })]));
    assertInstanceOf(error, HttpError);
    assertEquals(error.message, message);
  }
  const error = new HttpError(503, { statusText: "Service\nUnavailable" });
  assertEquals([error.message, error.body], ["503 Service Unavailable", ""]);
  assertEquals(new HttpError(503).message, "503");
});

Deno.test("openaiModel() converts the Retry-After of a 429 to retryAfterMs", async () => {
  using time = new FakeTime("2024-05-05T10:00:00Z");
  const waits: [Record<string, string>, number | undefined][] = [
    [{ "retry-after": "20" }, 20_000],
    [{ "retry-after": "Sun, 05 May 2024 10:01:00 GMT" }, 60_000],
    [{ "retry-after": "20", "retry-after-ms": "150" }, 150],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ];
  for (const [headers, expected] of waits) {
    const error = await assertRejects(() =>
      read([wire.status(429, { headers })])
    );
    assertInstanceOf(error, HttpError);
    assertEquals(error.retryAfterMs, expected, JSON.stringify(headers));
  }
  assertEquals(time.now, Date.now());
});

Deno.test("openaiModel() reads a Retry-After in seconds over HTTP", async () => {
  await using httpAttempt = new HttpAttempt([
    wire.status(429, { headers: { "retry-after": "7" }, body: "Slow down" }),
  ]);

  const error = await httpAttempt.failure();

  assertInstanceOf(error, HttpError);
  assertEquals(error.message, "429 Slow down");
  assertEquals(error.retryAfterMs, 7000);
});

Deno.test("openaiModel() reads at most 64 KiB of an error body", async () => {
  const headers = { "content-type": "text/html" };
  const part = new Uint8Array(48 * 1024).fill(0x2e);
  const page = [
    wire.status(500, { headers }),
    ...new Array(220).fill(part),
    step.hang(),
  ];
  await using httpAttempt = new HttpAttempt(page);
  const { calls, fetch } = fakeProvider(page);

  for (
    const rejection of [
      httpAttempt.failure(),
      assertRejects(() => read([], { fetch })),
    ]
  ) {
    const error = await rejection;
    assertInstanceOf(error, HttpError);
    assertEquals(error.body, ".".repeat(64 * 1024));
    assertEquals(error.message.length, 204);
  }

  await httpAttempt.closed;
  assertEquals(httpAttempt.call.outcome, "aborted");
  assertEquals(calls[0]?.outcome, "aborted");
  assertEquals(calls[0]?.sent, page.slice(0, 3), "the status and two parts");
});

Deno.test("openaiModel() stops reading a stalled error body after a second", async () => {
  using time = new FakeTime();
  const rejection = assertRejects(() =>
    read([wire.status(500), wire.raw('{"error'), step.hang()])
  );
  await time.runMicrotasks();
  await time.tickAsync(999);
  let settled = false;
  rejection.then(() => settled = true);
  await time.runMicrotasks();
  assert(!settled);

  await time.tickAsync(1);

  const error = await rejection;
  assertInstanceOf(error, HttpError);
  assertEquals(error.body, '{"error');
  assertEquals(time.next(), false, "no timer is left");
});

Deno.test("openaiModel() leaves no timer after an error response", async () => {
  using time = new FakeTime();

  await assertRejects(() => read([wire.status(500, { body: "Sorry" })]));

  assertEquals(time.next(), false);
});

Deno.test("openaiModel() rejects on an abort while an error body stalls", async () => {
  const arrived = Promise.withResolvers<void>();
  await using httpAttempt = new HttpAttempt([
    wire.status(500),
    wire.raw("half"),
    step.hang(),
  ], {
    fetch: async (url, init) => {
      const { body, status } = await fetch(url, init);
      const seen = new TransformStream({
        transform(packet, controller) {
          controller.enqueue(packet);
          arrived.resolve();
        },
      });
      return new Response(body!.pipeThrough(seen), { status });
    },
  });
  const failure = httpAttempt.failure();
  await arrived.promise;

  httpAttempt.attempt.abort(new Error("enough"));

  const error = await failure;
  assertInstanceOf(error, HttpError);
  assertEquals(error.status, 500);
  await httpAttempt.closed;
  assertEquals(httpAttempt.call.outcome, "aborted");
});

Deno.test("openaiModel() throws HttpError when reading the error body fails", async () => {
  await using httpAttempt = new HttpAttempt([
    wire.status(503),
    wire.raw("half"),
    step.fail(new Error("connection lost")),
  ]);

  const error = await httpAttempt.failure();

  assertInstanceOf(error, HttpError);
  assertEquals(error.status, 503);
});

Deno.test("openaiModel() rejects when the connection is lost before the headers", async () => {
  await using httpAttempt = new HttpAttempt([
    step.fail(new Error("connection lost")),
  ]);

  assertInstanceOf(await httpAttempt.failure(), TypeError);
});

Deno.test("HttpError reads retryAfterMs from an error body of Gemini", async () => {
  const retryInfo = {
    "@type": "type.googleapis.com/google.rpc.RetryInfo",
    retryDelay: "39s",
  };
  const error = { code: 429, message: "Quota", details: [{}, retryInfo] };
  for (const body of [{ error }, [{ error }]]) {
    const rejection = await assertRejects(() =>
      read([wire.status(429, { body })])
    );
    assertInstanceOf(rejection, HttpError);
    assertEquals(rejection.retryAfterMs, 39_000);
  }
});

Deno.test("HttpError has the type and code of its body", () => {
  for (
    const body of [
      '{"error":{"message":"no","type":"t","code":"c"},"code":1}',
      '{"type":"t","code":"c"}',
    ]
  ) {
    const { type, code } = new HttpError(400, { body });
    assertEquals([type, code], ["t", "c"]);
  }
});

Deno.test("openaiModel() reads a deeply nested error body", async () => {
  for (const open of ["[", '{"error":', '{"a":']) {
    const body = open.repeat(5000);
    const close = open === "[" ? "]" : "}";
    const nested = `${body}1${close.repeat(5000)}`;
    for (
      const response of [
        new Response(nested, { status: 500 }),
        new Response(`data: ${nested}\n\n`),
        new Response(nested),
      ]
    ) {
      const fetch = () => Promise.resolve(response);
      const outcome = await assertRejects(() => read([], { fetch })).catch(() =>
        undefined
      );
      const isExpected = outcome === undefined || /Error$/.test(
        (outcome as Error).name,
      );
      assert(isExpected && !(outcome instanceof RangeError), String(outcome));
    }
  }
});
