import { fallbackStream, type HealthStore } from "@fallback/stream";
import { bearerKeys, type CallReport } from "@fallback/stream/gateway";
import { memoryHealth } from "@fallback/stream/health";
import { openaiModel } from "@fallback/stream/openai";
import { type AttemptSummary, sseResponse } from "@fallback/stream/sse";
import {
  type FakeProvider,
  fakeProvider,
  step,
  virtualTime,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { type Failure, failures } from "../../examples/deploy/_failures.ts";
import { LiveCall } from "../../examples/deploy/_live_call.ts";
import { localOnly } from "../../examples/deploy/_local_only.ts";
import { modelsOf, realProviders } from "../../examples/deploy/_providers.ts";
import {
  createHandler,
  type HandlerOptions,
} from "../../examples/deploy/handler.ts";

const ORIGIN = "http://localhost";
const QUESTION = { messages: [{ role: "user", content: "Hi" }] };
const TIMEOUTS = { firstContentMs: 1_800, idleMs: 2_500, totalMs: 60_000 };

/** Creates a handler over fake providers that run these scripts. */
function setUp(
  scripts: readonly WireScript[],
  options: Partial<HandlerOptions> = {},
) {
  const called = Promise.withResolvers<void>();
  const providers = scripts.map((script) =>
    fakeProvider(script, { onCall: () => called.resolve() })
  );
  const models = providers.map(({ fetch }, index) =>
    openaiModel({ model: `model-${index}`, fetch })
  );
  const handler = createHandler({
    models: () => models,
    page: "<!DOCTYPE html>",
    timeouts: TIMEOUTS,
    ...options,
  });
  return { handler, providers, called: called.promise };
}

function post(body: BodyInit | null, headers: HeadersInit = {}): Request {
  return new Request(`${ORIGIN}/chat`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

function chatRequest(question: unknown = QUESTION): Request {
  return post(JSON.stringify(question));
}

type Seen = [type: string, data: unknown];

/** Reads one event after the other. */
function eventsOf(response: Response) {
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  return {
    /** The next event; `undefined` at the end. */
    async read(): Promise<Seen | undefined> {
      const { value } = await reader.read();
      if (value === undefined) return undefined;
      const [, type = "message"] = /^event: (.*)$/m.exec(value) ?? [];
      return [type, JSON.parse(/^data: (.*)$/m.exec(value)![1]!)];
    },
    cancel: () => reader.cancel(),
  };
}

async function allEvents(response: Response): Promise<Seen[]> {
  const seen: Seen[] = [];
  const events = eventsOf(response);
  for (let next; (next = await events.read());) seen.push(next);
  return seen;
}

/** The attempts of an event. Those of an `error` event are inside its error. */
function attemptsIn([, data]: Seen): AttemptSummary[] {
  type Attempts = { attempts: AttemptSummary[] };
  const { error, attempts } = data as Attempts & { error?: Attempts };
  return (error ?? { attempts }).attempts;
}

function outcomes(seen: Seen): string[] {
  return attemptsIn(seen).map(({ model, outcome }) => `${model} ${outcome}`);
}

function textOf(seen: readonly Seen[]): string {
  return seen.filter(([type]) => type === "message").map(([, text]) => text)
    .join("");
}

/** Checks that a request got a 4xx with an error message, and no model was called. */
async function assertRejected(
  response: Response,
  providers: readonly FakeProvider[],
  status?: number,
): Promise<void> {
  assert(response.status >= 400 && response.status < 500, `${response.status}`);
  if (status !== undefined) assertEquals(response.status, status);
  const body = await response.json();
  assertEquals(Object.keys(body), ["error"]);
  assertEquals(Object.keys(body.error), ["message"]);
  assert(typeof body.error.message === "string" && body.error.message !== "");
  assertEquals(providers.flatMap(({ calls }) => calls), []);
}

Deno.test("POST /chat streams an event per change of an attempt, the text, and a final event", async () => {
  const { handler } = setUp([[wire.status(529)], ["Good", " morning"]]);
  const response = await handler(chatRequest());
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const seen = await allEvents(response);
  assertEquals(
    seen.map((event) =>
      event[0] === "message" ? event[1] : `${event[0]}: ${outcomes(event)}`
    ),
    [
      "attempt: model-0 pending",
      "attempt: model-0 failed",
      "attempt: model-0 failed,model-1 pending",
      "attempt: model-0 failed,model-1 streaming",
      "Good",
      " morning",
      "attempt: model-0 failed,model-1 completed",
      "done: model-0 failed,model-1 completed",
    ],
  );
});

Deno.test("POST /chat responds before a model has answered", async () => {
  const { handler } = setUp([[step.hang()]]);
  const events = eventsOf(await handler(chatRequest()));
  assertEquals(outcomes((await events.read())!), ["model-0 pending"]);
  await events.cancel();
});

Deno.test("POST /chat closes the provider's connection when the client disconnects before content", async () => {
  const { handler, providers, called } = setUp([[step.hang()]]);
  const events = eventsOf(await handler(chatRequest()));
  await events.read();
  const waiting = events.read();
  await called;
  await events.cancel();
  assertEquals(await waiting, undefined);
  const [call] = providers[0]!.calls;
  assertEquals(call!.outcome, "aborted");
});

Deno.test("POST /chat closes the provider's connection when the client disconnects after content", async () => {
  const { handler, providers } = setUp([["One", step.hang()], ["Two"]]);
  const events = eventsOf(await handler(chatRequest()));
  let next;
  do next = await events.read(); while (next?.[0] !== "message");
  await events.cancel();
  assertEquals(providers[0]!.calls[0]!.outcome, "aborted");
  assertEquals(providers[1]!.calls, []);
});

Deno.test("POST /chat calls no model until the body is read", async () => {
  const { handler, providers } = setUp([["One"]]);
  await (await handler(chatRequest())).body!.cancel();
  assertEquals(providers[0]!.calls, []);
});

Deno.test("POST /chat ends an interrupted answer with an error event that shows no message of the provider", async () => {
  const secret = new Error("reset by 10.0.0.7, key sk-1");
  const { handler } = setUp([["Half", step.fail(secret)], ["Other"]]);
  const seen = await allEvents(await handler(chatRequest()));
  assertEquals(textOf(seen), "Half");
  const [type, data] = seen.at(-1)!;
  assertEquals([type, outcomes(seen.at(-1)!)], [
    "error",
    ["model-0 interrupted"],
  ]);
  const { error } = data as { error: { message: string } };
  assertEquals(error.message, "The model failed");
});

Deno.test("POST /chat sends the attempts before the error event when all models fail", async () => {
  const { handler } = setUp([[wire.status(500)], [wire.status(401)]]);
  const seen = await allEvents(await handler(chatRequest()));
  assertEquals(seen.at(-1)![0], "error");
  assertEquals(outcomes(seen.at(-1)!), ["model-0 failed", "model-1 failed"]);
  assertEquals(outcomes(seen.at(-2)!), ["model-0 failed", "model-1 failed"]);
});

Deno.test("POST /chat passes only role and content of a message to a model", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const messages = [
    { role: "user", content: "one\r\n\r\ndata: two\n\nevent: done" },
    { content: "three", role: "assistant" },
    { role: "user", content: "four" },
  ];
  const seen = await allEvents(await handler(chatRequest({ messages })));
  assertEquals(seen.at(-1)![0], "done");
  const { body } = providers[0]!.calls[0]!;
  assertEquals(body, {
    messages,
    model: "model-0",
    stream: true,
    stream_options: { include_usage: true },
  });
});

Deno.test("POST /chat escapes line breaks in texts and in names of models", async () => {
  const text = "a\n\nevent: done\r\ndata: {}\r\r";
  const { fetch } = fakeProvider([text]);
  const model = openaiModel({ model: "m", name: "evil\n\ndata: x", fetch });
  const handler = createHandler({ models: () => [model] });
  const seen = await allEvents(await handler(chatRequest()));
  assertEquals(textOf(seen), text);
  assertEquals(attemptsIn(seen[0]!)[0]!.model, "evil\n\ndata: x");
  assertEquals(seen.filter(([type]) => type === "done").length, 1);
});

Deno.test("GET / forbids loading from other origins by its content security policy", async () => {
  const { handler } = setUp([["Yes"]]);
  const page = await handler(new Request(`${ORIGIN}/`));
  assertEquals(await page.text(), "<!DOCTYPE html>");
  assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
  const policy = page.headers.get("content-security-policy")!;
  assertStringIncludes(policy, "default-src 'none'");
  assertStringIncludes(policy, "connect-src 'self'");
  const head = await handler(new Request(`${ORIGIN}/`, { method: "HEAD" }));
  assertEquals(head.status, 200);
  await head.body?.cancel();
});

Deno.test("the page has no URL except the SVG namespace", async () => {
  const page = await Deno.readTextFile(
    new URL("../../examples/deploy/index.html", import.meta.url),
  );
  assertEquals(page.match(/https?:\/\/[^\s'"]+/g), [
    "http://www.w3.org/2000/svg",
  ]);
});

Deno.test("the page offers every simulated failure, with a description", async () => {
  const page = await Deno.readTextFile(
    new URL("../../examples/deploy/index.html", import.meta.url),
  );
  const offered = [...page.matchAll(/<option\s+value="([^"]+)"/g)]
    .map(([, value]) => value);
  assertEquals(offered.toSorted(), failures.toSorted());
  for (const failure of failures) assertStringIncludes(page, `"${failure}":`);
});

// Rejected requests

Deno.test("createHandler() responds 404 for unknown paths", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  for (
    const path of ["/chat/", "/chat/x", "/favicon.ico", "//chat"]
  ) {
    const request = new Request(ORIGIN + path);
    await assertRejected(await handler(request), providers, 404);
  }
});

Deno.test("createHandler() responds 405 for wrong methods, with an Allow header", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const response = await handler(new Request(`${ORIGIN}/chat`, { method }));
    assertEquals(response.headers.get("allow"), "POST");
    await assertRejected(response, providers, 405);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const response = await handler(new Request(`${ORIGIN}/`, { method }));
    assertEquals(response.headers.get("allow"), "GET, HEAD");
    await assertRejected(response, providers, 405);
  }
});

Deno.test("POST /chat responds 415 for wrong content types", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const body = JSON.stringify(QUESTION);
  for (
    const type of [
      "text/plain",
      "application/jsonp",
      "application/x-www-form-urlencoded",
      "text/plain; application/json",
      "",
    ]
  ) {
    const request = post(body, { "content-type": type });
    await assertRejected(await handler(request), providers, 415);
  }
  const request = post(body, { "content-type": "Application/JSON;charset=x" });
  assertEquals((await allEvents(await handler(request))).at(-1)![0], "done");
});

Deno.test("POST /chat responds 413 for a too large content-length, without reading the body", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1));
    },
  }, { highWaterMark: 0 });
  const request = post(body, { "content-length": "65537" });
  await assertRejected(await handler(request), providers, 413);
  assertEquals(pulled, 0);
});

Deno.test("POST /chat stops reading an endless body at the limit", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  let sent = 0;
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream({
    pull(controller) {
      sent += 1024;
      controller.enqueue(new Uint8Array(1024).fill(32));
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  await assertRejected(await handler(post(body)), providers, 413);
  await cancelled.promise;
  assertEquals(sent, 65 * 1024);
});

Deno.test("POST /chat accepts a body of 65536 bytes, and responds 413 for one more", async () => {
  const empty = JSON.stringify({ messages: [{ role: "user", content: "" }] });
  const bodyOf = (bytes: number) =>
    empty.replace('""', `"${"x".repeat(bytes - empty.length)}"`);
  const { handler, providers } = setUp([["Yes"]]);
  await assertRejected(await handler(post(bodyOf(65_537))), providers, 413);
  const seen = await allEvents(await handler(post(bodyOf(65_536))));
  assertEquals(seen.at(-1)![0], "done");
});

Deno.test("POST /chat responds 408 when the body stalls", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  await virtualTime(async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array([123])),
    });
    await assertRejected(await handler(post(body)), providers, 408);
  });
});

Deno.test("POST /chat responds 400 when reading the body fails", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const body = new ReadableStream({
    pull: (controller) => controller.error(new Error("gone")),
  });
  await assertRejected(await handler(post(body)), providers, 400);
});

Deno.test("POST /chat responds 400 when the body is not UTF-8 or not JSON", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const utf8 = new TextEncoder();
  const [before, after] = JSON.stringify({
    messages: [{ role: "user", content: "|" }],
  }).split("|");
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    const body = Uint8Array.of(
      ...utf8.encode(before),
      ...bytes,
      ...utf8.encode(after),
    );
    await assertRejected(await handler(post(body)), providers, 400);
  }
  for (const body of [null, "", "{", "{} {}", "NaN", "{'messages':[]}"]) {
    await assertRejected(await handler(post(body)), providers, 400);
  }
});

Deno.test("POST /chat responds 400 for deep nesting at any place", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const deep = "[".repeat(15_000) + "]".repeat(15_000);
  for (
    const body of [
      deep,
      `{"messages":${deep}}`,
      `{"messages":[{"role":"user","content":${deep}}]}`,
      `{"messages":[{"role":"user","content":"Hi"}],"fail":${deep}}`,
      `{"messages":[{"role":"user","content":"Hi"}],"more":${deep}}`,
      `{"messages":[{"role":"user","content":"Hi","more":${deep}}]}`,
    ]
  ) {
    await assertRejected(await handler(post(body)), providers, 400);
  }
});

Deno.test("POST /chat responds 400 for wrong types", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const wrong = [null, true, 0, 1.5, "", "x", [], {}, [[]], [null], ["Hi"]];
  for (const value of wrong) {
    const bodies = [
      value,
      { messages: value },
      { messages: [value] },
      { messages: [{ role: value, content: "Hi" }] },
      { messages: [{ role: "user", content: value === "x" ? 7 : value }] },
      { ...QUESTION, fail: value },
      { ...QUESTION, [String(value)]: value },
      { messages: [{ ...QUESTION.messages[0], [String(value)]: 1 }] },
    ];
    for (const body of bodies) {
      await assertRejected(await handler(chatRequest(body)), providers, 400);
    }
  }
});

Deno.test("POST /chat responds 400 for too many messages, and if the last is not of the user", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const [message] = QUESTION.messages;
  const many = { messages: Array(41).fill(message) };
  await assertRejected(await handler(chatRequest(many)), providers, 400);
  const answered = {
    messages: [message, { role: "assistant", content: "Yes" }],
  };
  await assertRejected(await handler(chatRequest(answered)), providers, 400);
});

Deno.test("POST /chat responds 400 for unknown 'fail' values, including Object.prototype keys", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const names = [
    ...Object.getOwnPropertyNames(Object.prototype),
    "Healthy",
    "healthy ",
    "status\r\nx-evil: 1",
  ];
  for (const fail of names) {
    const body = JSON.stringify({ ...QUESTION, fail });
    await assertRejected(await handler(post(body)), providers, 400);
  }
});

Deno.test("POST /chat responds 400 for fields named like Object.prototype keys", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    const field = `${JSON.stringify(name)}:{"messages":[]}`;
    for (
      const body of [
        `{${field}}`,
        `{"messages":[{"role":"user","content":"Hi"}],${field}}`,
        `{"messages":[{"role":"user","content":"Hi",${field}}]}`,
        `{"messages":[{"role":${JSON.stringify(name)},"content":"Hi"}]}`,
      ]
    ) {
      await assertRejected(await handler(post(body)), providers, 400);
    }
  }
});

Deno.test("POST /chat responds 400 for lone surrogates", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const body = String.raw`{"messages":[{"role":"user","content":"\ud83d"}]}`;
  await assertRejected(await handler(post(body)), providers, 400);
});

Deno.test("POST /chat answers random valid requests, and responds 4xx for other JSON", async () => {
  const anything = fc.jsonValue({ maxDepth: 4 });
  const role = fc.oneof(fc.constantFrom("user", "assistant"), anything);
  const message = fc.oneof(
    fc.record({ role, content: fc.oneof(fc.string(), anything) }),
    fc.record({ role, content: fc.string(), extra: anything }, {
      requiredKeys: [],
    }),
    anything,
  );
  const body = fc.oneof(
    fc.record({ messages: fc.array(message), fail: anything }, {
      requiredKeys: ["messages"],
    }),
    anything,
  );
  await fc.assert(
    fc.asyncProperty(body, async (value) => {
      const { handler, providers } = setUp([["Yes"]]);
      const response = await handler(chatRequest(value));
      if (response.status !== 200) {
        return await assertRejected(response, providers);
      }
      // Check the shape again, in another way than the handler.
      const { messages, fail = "healthy" } = value as {
        messages: { role: string; content: string }[];
        fail?: string;
      };
      assert(failures.includes(fail as Failure));
      for (const { role, content, ...more } of messages) {
        assert(role === "user" || role === "assistant");
        assert(content.trim() !== "");
        assertEquals(more, {});
      }
      assertEquals((await allEvents(response)).at(-1)![0], "done");
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("POST /chat responds 4xx for truncated and random bytes", async () => {
  const good = new TextEncoder().encode(JSON.stringify(QUESTION));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.uint8Array({ maxLength: 8 }),
      async (at, bytes) => {
        const { handler, providers } = setUp([["Yes"]]);
        // Truncated, and followed by random bytes.
        const body = Uint8Array.of(...good.subarray(0, at), ...bytes);
        await assertRejected(await handler(post(body)), providers);
      },
    ),
    { numRuns: 1_000 },
  );
});

// The fakes

/** The events of a call without keys. */
async function visit(
  fail: Failure,
  health: HealthStore = memoryHealth(),
): Promise<{ seen: Seen[]; last: Seen }> {
  const handler = createHandler({
    models: modelsOf([]),
    timeouts: TIMEOUTS,
    health,
  });
  return await virtualTime(async () => {
    const seen = await allEvents(
      await handler(chatRequest({ ...QUESTION, fail })),
    );
    return { seen, last: seen.at(-1)! };
  });
}

const EXPECTED: Record<Failure, [end: string, ...outcomes: string[]]> = {
  "healthy": ["done", "fake primary completed"],
  "status": ["done", "fake primary failed", "fake backup completed"],
  "error-event": ["done", "fake primary failed", "fake backup completed"],
  "silence": ["done", "fake primary failed", "fake backup completed"],
  "malformed": ["done", "fake primary failed", "fake backup completed"],
  "outage": [
    "done",
    "fake primary failed",
    "fake backup failed",
    "fake reserve completed",
  ],
  "stall": ["error", "fake primary interrupted"],
  "reset": ["error", "fake primary interrupted"],
  "truncated": ["error", "fake primary interrupted"],
  "no-done": ["done", "fake primary completed"],
};

for (const failure of failures) {
  Deno.test(`modelsOf() without a key simulates ${failure}: ${EXPECTED[failure]}`, async () => {
    const { seen, last } = await visit(failure);
    assertEquals([last[0], ...outcomes(last)], EXPECTED[failure]);
    const texts = seen.filter(([type]) => type === "message").length;
    assert(texts >= 20, `${texts} text events`);
  });
}

Deno.test("POST /chat skips the primary for its Retry-After, and then calls it again", async () => {
  const health = memoryHealth({ failureThreshold: 2 });
  const handler = createHandler({
    models: modelsOf([]),
    timeouts: TIMEOUTS,
    health,
  });
  await virtualTime(async () => {
    const visit = async (fail: Failure) =>
      outcomes(
        (await allEvents(await handler(chatRequest({ ...QUESTION, fail }))))
          .at(-1)!,
      )[0];
    assertEquals(await visit("status"), "fake primary failed");
    assertEquals(await visit("status"), "fake primary skipped");
    assertEquals(await visit("status"), "fake primary failed");
  });
});

Deno.test("POST /chat opens no circuit for other clients on a simulated failure", async () => {
  const health = memoryHealth({ failureThreshold: 1 });
  const { last } = await visit("silence", health);
  assertEquals(outcomes(last)[0], "fake primary failed");
  const { last: healthy } = await visit("healthy", health);
  assertEquals(outcomes(healthy), ["fake primary completed"]);
});

Deno.test("realProviders() and modelsOf() use real models when keys are set", () => {
  const named = (env: Record<string, string>, withFakes = false) => {
    const real = realProviders((name) => env[name]);
    return modelsOf(real, { withFakes })("healthy").map(({ name }) => name);
  };
  const fakes = ["fake primary", "fake backup", "fake reserve"];
  const groq = "llama-3.3-70b-versatile";
  assertEquals(named({}), fakes);
  assertEquals(named({ OPENAI_API_KEY: "" }), fakes);
  assertEquals(named({ GROQ_API_KEY: "k" }), [groq]);
  assertEquals(named({ GROQ_API_KEY: "k" }, true), [groq, ...fakes]);
  const own = {
    OPENAI_BASE_URL: "http://localhost/v1",
    OPENAI_MODEL: "llama3.2",
  };
  assertEquals(named(own), ["llama3.2"]);
  assertEquals(named({ OPENAI_API_KEY: "k", MISTRAL_API_KEY: "k" }), [
    "gpt-4o-mini",
    "mistral-small-latest",
  ]);
});

Deno.test("modelsOf() throws for a base URL without a scheme", () => {
  const env: Record<string, string> = {
    OPENAI_BASE_URL: "localhost:11434/v1",
  };
  assertThrows(() => modelsOf(realProviders((name) => env[name])), TypeError);
});

Deno.test("POST /chat responds 401 for a wrong access key", async () => {
  const authorize = bearerKeys("for-tests-0123456789");
  const { handler, providers } = setUp([["Yes"]], { authorize });
  await assertRejected(await handler(chatRequest()), providers, 401);
  const request = post(JSON.stringify(QUESTION), {
    authorization: "Bearer for-tests-0123456789",
  });
  assertEquals((await allEvents(await handler(request))).at(-1)![0], "done");
});

Deno.test("POST /chat responds 503 beyond maxConcurrent, until a call ends", async () => {
  const { handler } = setUp([["Yes"]], { maxConcurrent: 1 });
  const first = await handler(chatRequest());
  const second = await handler(chatRequest());
  assertEquals(second.status, 503);
  await second.body!.cancel();
  await first.body!.cancel();
  assertEquals(
    (await allEvents(await handler(chatRequest()))).at(-1)![0],
    "done",
  );
});

Deno.test("POST /chat reports each call with its attempts and error", async () => {
  const reports: CallReport[] = [];
  const { handler } = setUp([[wire.status(401)]], {
    onCall: (report) => reports.push(report),
  });
  await allEvents(await handler(chatRequest()));
  const [report] = reports;
  assertEquals([report!.status, report!.attempts.length], [502, 1]);
  assert(report!.error instanceof Error);
});

Deno.test("POST /chat passes maxTokens to the model", async () => {
  const { handler, providers } = setUp([["Yes"]], { maxTokens: 7 });
  await allEvents(await handler(chatRequest()));
  const { max_tokens } = providers[0]!.calls[0]!.body as {
    max_tokens?: number;
  };
  assertEquals(max_tokens, 7);
});

Deno.test("POST /chat sends separate events for reasoning and tool calls", async () => {
  const { handler } = setUp([[
    { choices: [{ delta: { reasoning_content: "Hm" } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, id: "1" }] } }] },
    wire.finish(),
  ]]);
  const seen = await allEvents(await handler(chatRequest()));
  const [reasoning, tool] = seen.filter(([type]) =>
    type === "reasoning" || type === "tool"
  );
  assertEquals(reasoning, ["reasoning", { reasoning: "Hm" }]);
  assertEquals(tool, ["tool", { tool: true }]);
});

Deno.test("POST /v1/chat/completions answers with a chat completion", async () => {
  const { handler } = setUp([[wire.status(503)], ["Good ", "morning"]]);
  const response = await handler(
    new Request(`${ORIGIN}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "chat", ...QUESTION }),
    }),
  );
  const { choices } = await response.json();
  assertEquals(choices[0].message.content, "Good morning");
});

Deno.test("createHandler() responds 400 for a malformed Host header", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const request = new Request(ORIGIN);
  Object.defineProperty(request, "url", { value: "http://a b[/" });
  await assertRejected(await handler(request), providers, 400);
});

Deno.test("localOnly() accepts requests from this machine only, for its own host and origin", async () => {
  const handler = localOnly(() => Promise.resolve(new Response()));
  const statusOf = async (remote: string, headers: HeadersInit) =>
    (await handler(new Request(ORIGIN, { headers }), {
      remoteAddr: { hostname: remote },
    })).status;
  const host = "localhost:8000";
  assertEquals(await statusOf("127.0.0.1", { host }), 200);
  const own = { host, origin: "http://localhost:8000" };
  assertEquals(await statusOf("::1", own), 200);
  assertEquals(await statusOf("10.0.0.7", { host }), 403);
  assertEquals(await statusOf("127.0.0.1", { host: "evil.example" }), 403);
  const foreign = { host, origin: "http://evil.example" };
  assertEquals(await statusOf("127.0.0.1", foreign), 403);
});

// The merged source

Deno.test("LiveCall.return() before the first next() calls no model", async () => {
  const call = new LiveCall(() => {
    throw new Error("a model was called");
  });
  assertEquals(await call.return(), { done: true, value: undefined });
});

Deno.test("LiveCall.return() ends a call without content", async () => {
  const called = Promise.withResolvers<void>();
  const { fetch, calls } = fakeProvider([step.hang()], {
    onCall: () => called.resolve(),
  });
  const model = openaiModel({ model: "silent", fetch });
  const call = new LiveCall((options) =>
    fallbackStream([model], QUESTION, options)
  );
  await call.next();
  const waiting = call.next();
  await called.promise;
  await call.return();
  assertEquals(calls[0]!.outcome, "aborted");
  const { value } = await waiting;
  assert(typeof value === "object" && "attempts" in value);
  assertEquals(value.attempts[0]!.outcome, "cancelled");
});

Deno.test("LiveCall does not read ahead of its consumer", async () => {
  const { fetch, calls } = fakeProvider(["a", "b", "c"]);
  const model = openaiModel({ model: "m", fetch });
  const call = new LiveCall((options) =>
    fallbackStream([model], QUESTION, options)
  );
  const events = eventsOf(sseResponse(call, {
    event: (event) => typeof event === "string" ? undefined : "attempt",
  }));
  let next;
  do next = await events.read(); while (next?.[0] !== "message");
  assertEquals(calls[0]!.sent, ["a"]);
  await events.cancel();
});
