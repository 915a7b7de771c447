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

/** A handler over providers that do what they are told. */
function setUp(
  scripts: readonly WireScript[],
  options: Partial<HandlerOptions> = {},
) {
  const asked = Promise.withResolvers<void>();
  const providers = scripts.map((script) =>
    fakeProvider(script, { onCall: () => asked.resolve() })
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
  return { handler, providers, asked: asked.promise };
}

function post(body: BodyInit | null, headers: HeadersInit = {}): Request {
  return new Request(`${ORIGIN}/chat`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

function ask(question: unknown = QUESTION): Request {
  return post(JSON.stringify(question));
}

type Seen = [type: string, data: unknown];

/** Reads one event after the other. */
function eventsOf(response: Response) {
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  return {
    /** The next event; nothing at the end. */
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

/** Checks that a request is refused as it should be, and by whom. */
async function assertRefused(
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

Deno.test("what is tried is told as it happens, then the words, then the end", async () => {
  const { handler } = setUp([[wire.status(529)], ["Good", " morning"]]);
  const response = await handler(ask());
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

Deno.test("the response is there before any model has answered", async () => {
  const { handler } = setUp([[step.hang()]]);
  const events = eventsOf(await handler(ask()));
  assertEquals(outcomes((await events.read())!), ["model-0 pending"]);
  await events.cancel();
});

Deno.test("who leaves before the first word closes the provider's connection", async () => {
  const { handler, providers, asked } = setUp([[step.hang()]]);
  const events = eventsOf(await handler(ask()));
  await events.read();
  const waiting = events.read();
  await asked;
  await events.cancel();
  assertEquals(await waiting, undefined);
  const [call] = providers[0]!.calls;
  assertEquals(call!.outcome, "aborted");
});

Deno.test("who leaves in mid-answer closes the provider's connection", async () => {
  const { handler, providers } = setUp([["One", step.hang()], ["Two"]]);
  const events = eventsOf(await handler(ask()));
  let next;
  do next = await events.read(); while (next?.[0] !== "message");
  await events.cancel();
  assertEquals(providers[0]!.calls[0]!.outcome, "aborted");
  assertEquals(providers[1]!.calls, []);
});

Deno.test("who never reads asks nobody", async () => {
  const { handler, providers } = setUp([["One"]]);
  await (await handler(ask())).body!.cancel();
  assertEquals(providers[0]!.calls, []);
});

Deno.test("an answer that breaks off ends with an error that gives nothing away", async () => {
  const secret = new Error("reset by 10.0.0.7, key sk-1");
  const { handler } = setUp([["Half", step.fail(secret)], ["Other"]]);
  const seen = await allEvents(await handler(ask()));
  assertEquals(textOf(seen), "Half");
  const [type, data] = seen.at(-1)!;
  assertEquals([type, outcomes(seen.at(-1)!)], [
    "error",
    ["model-0 interrupted"],
  ]);
  const { error } = data as { error: { message: string } };
  assertEquals(error.message, "The model failed");
});

Deno.test("where no model answers, every attempt is told before the error", async () => {
  const { handler } = setUp([[wire.status(500)], [wire.status(401)]]);
  const seen = await allEvents(await handler(ask()));
  assertEquals(seen.at(-1)![0], "error");
  assertEquals(outcomes(seen.at(-1)!), ["model-0 failed", "model-1 failed"]);
  assertEquals(outcomes(seen.at(-2)!), ["model-0 failed", "model-1 failed"]);
});

Deno.test("nothing that comes with a message reaches a model but its words", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const messages = [
    { role: "user", content: "one\r\n\r\ndata: two\n\nevent: done" },
    { content: "three", role: "assistant" },
    { role: "user", content: "four" },
  ];
  const seen = await allEvents(await handler(ask({ messages })));
  assertEquals(seen.at(-1)![0], "done");
  const { body } = providers[0]!.calls[0]!;
  assertEquals(body, {
    messages,
    model: "model-0",
    stream: true,
    stream_options: { include_usage: true },
  });
});

Deno.test("line ends in what a model says, or in its name, make no event", async () => {
  const text = "a\n\nevent: done\r\ndata: {}\r\r";
  const { fetch } = fakeProvider([text]);
  const model = openaiModel({ model: "m", name: "evil\n\ndata: x", fetch });
  const handler = createHandler({ models: () => [model] });
  const seen = await allEvents(await handler(ask()));
  assertEquals(textOf(seen), text);
  assertEquals(attemptsIn(seen[0]!)[0]!.model, "evil\n\ndata: x");
  assertEquals(seen.filter(([type]) => type === "done").length, 1);
});

Deno.test("the page may load nothing from anywhere", async () => {
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

Deno.test("the page holds no address but that of its icon's namespace", async () => {
  const page = await Deno.readTextFile(
    new URL("../../examples/deploy/index.html", import.meta.url),
  );
  assertEquals(page.match(/https?:\/\/[^\s'"]+/g), [
    "http://www.w3.org/2000/svg",
  ]);
});

Deno.test("the page offers every way to fail, and says what it does", async () => {
  const page = await Deno.readTextFile(
    new URL("../../examples/deploy/index.html", import.meta.url),
  );
  const offered = [...page.matchAll(/<option\s+value="([^"]+)"/g)]
    .map(([, value]) => value);
  assertEquals(offered.toSorted(), failures.toSorted());
  for (const failure of failures) assertStringIncludes(page, `"${failure}":`);
});

// What is refused

Deno.test("unknown paths are refused", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  for (
    const path of ["/chat/", "/chat/x", "/favicon.ico", "//chat"]
  ) {
    const request = new Request(ORIGIN + path);
    await assertRefused(await handler(request), providers, 404);
  }
});

Deno.test("wrong methods are refused, and the right ones named", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const response = await handler(new Request(`${ORIGIN}/chat`, { method }));
    assertEquals(response.headers.get("allow"), "POST");
    await assertRefused(response, providers, 405);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const response = await handler(new Request(`${ORIGIN}/`, { method }));
    assertEquals(response.headers.get("allow"), "GET, HEAD");
    await assertRefused(response, providers, 405);
  }
});

Deno.test("wrong content types are refused", async () => {
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
    await assertRefused(await handler(request), providers, 415);
  }
  const request = post(body, { "content-type": "Application/JSON;charset=x" });
  assertEquals((await allEvents(await handler(request))).at(-1)![0], "done");
});

Deno.test("a body that is too large is refused by what it says of itself", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1));
    },
  }, { highWaterMark: 0 });
  const request = post(body, { "content-length": "65537" });
  await assertRefused(await handler(request), providers, 413);
  assertEquals(pulled, 0);
});

Deno.test("an endless body is read no further than the limit", async () => {
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
  await assertRefused(await handler(post(body)), providers, 413);
  await cancelled.promise;
  assertEquals(sent, 65 * 1024);
});

Deno.test("a body of the most bytes is read, and one more is too much", async () => {
  const empty = JSON.stringify({ messages: [{ role: "user", content: "" }] });
  const bodyOf = (bytes: number) =>
    empty.replace('""', `"${"x".repeat(bytes - empty.length)}"`);
  const { handler, providers } = setUp([["Yes"]]);
  await assertRefused(await handler(post(bodyOf(65_537))), providers, 413);
  const seen = await allEvents(await handler(post(bodyOf(65_536))));
  assertEquals(seen.at(-1)![0], "done");
});

Deno.test("a body that does not arrive in time is refused", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  await virtualTime(async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array([123])),
    });
    await assertRefused(await handler(post(body)), providers, 408);
  });
});

Deno.test("a body that breaks off is refused", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const body = new ReadableStream({
    pull: (controller) => controller.error(new Error("gone")),
  });
  await assertRefused(await handler(post(body)), providers, 400);
});

Deno.test("what is no UTF-8, or no JSON, is refused", async () => {
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
    await assertRefused(await handler(post(body)), providers, 400);
  }
  for (const body of [null, "", "{", "{} {}", "NaN", "{'messages':[]}"]) {
    await assertRefused(await handler(post(body)), providers, 400);
  }
});

Deno.test("deep nesting is refused, wherever it is", async () => {
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
    await assertRefused(await handler(post(body)), providers, 400);
  }
});

Deno.test("wrong types are refused", async () => {
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
      await assertRefused(await handler(ask(body)), providers, 400);
    }
  }
});

Deno.test("too many messages are refused, and a conversation without a question", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const [message] = QUESTION.messages;
  const many = { messages: Array(41).fill(message) };
  await assertRefused(await handler(ask(many)), providers, 400);
  const answered = {
    messages: [message, { role: "assistant", content: "Yes" }],
  };
  await assertRefused(await handler(ask(answered)), providers, 400);
});

Deno.test("unknown ways to fail are refused, also those that every object has", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const names = [
    ...Object.getOwnPropertyNames(Object.prototype),
    "Healthy",
    "healthy ",
    "status\r\nx-evil: 1",
  ];
  for (const fail of names) {
    const body = JSON.stringify({ ...QUESTION, fail });
    await assertRefused(await handler(post(body)), providers, 400);
  }
});

Deno.test("fields with the names of an object's own are refused", async () => {
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
      await assertRefused(await handler(post(body)), providers, 400);
    }
  }
});

Deno.test("half a character is refused", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const body = String.raw`{"messages":[{"role":"user","content":"\ud83d"}]}`;
  await assertRefused(await handler(post(body)), providers, 400);
});

Deno.test("whatever JSON comes, it is refused or answered, and never crashes", async () => {
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
      const response = await handler(ask(value));
      if (response.status !== 200) {
        return await assertRefused(response, providers);
      }
      // The shape is told again, in other words.
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

Deno.test("whatever bytes come, they are refused", async () => {
  const good = new TextEncoder().encode(JSON.stringify(QUESTION));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.uint8Array({ maxLength: 8 }),
      async (at, bytes) => {
        const { handler, providers } = setUp([["Yes"]]);
        // Cut off, with something else in the place of the rest.
        const body = Uint8Array.of(...good.subarray(0, at), ...bytes);
        await assertRefused(await handler(post(body)), providers);
      },
    ),
    { numRuns: 1_000 },
  );
});

// The fakes

/** What a visitor gets to see who has no key. */
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
    const seen = await allEvents(await handler(ask({ ...QUESTION, fail })));
    return { seen, last: seen.at(-1)! };
  });
}

const ENDS: Record<Failure, [end: string, ...outcomes: string[]]> = {
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
  "cut": ["error", "fake primary interrupted"],
  "truncated": ["error", "fake primary interrupted"],
  "no-done": ["done", "fake primary completed"],
};

for (const failure of failures) {
  Deno.test(`the fakes without a key: ${failure} ends in ${ENDS[failure]}`, async () => {
    const { seen, last } = await visit(failure);
    assertEquals([last[0], ...outcomes(last)], ENDS[failure]);
    const words = seen.filter(([type]) => type === "message").length;
    assert(words >= 20, `${words} words`);
  });
}

Deno.test("a Retry-After is kept: the primary is skipped, and asked again later", async () => {
  const health = memoryHealth({ failureThreshold: 2 });
  const handler = createHandler({
    models: modelsOf([]),
    timeouts: TIMEOUTS,
    health,
  });
  await virtualTime(async () => {
    const visit = async (fail: Failure) =>
      outcomes(
        (await allEvents(await handler(ask({ ...QUESTION, fail }))))
          .at(-1)!,
      )[0];
    assertEquals(await visit("status"), "fake primary failed");
    assertEquals(await visit("status"), "fake primary skipped");
    assertEquals(await visit("status"), "fake primary failed");
  });
});

Deno.test("a failure on purpose closes no model to those who did not ask for it", async () => {
  const health = memoryHealth({ failureThreshold: 1 });
  const { last } = await visit("silence", health);
  assertEquals(outcomes(last)[0], "fake primary failed");
  const { last: healthy } = await visit("healthy", health);
  assertEquals(outcomes(healthy), ["fake primary completed"]);
});

Deno.test("with keys in the environment only real providers answer", () => {
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

Deno.test("modelsOf() refuses a base URL without a scheme at the start", () => {
  const env: Record<string, string> = {
    OPENAI_BASE_URL: "localhost:11434/v1",
  };
  assertThrows(() => modelsOf(realProviders((name) => env[name])), TypeError);
});

Deno.test("a wrong access key is refused, and the right one is not", async () => {
  const authorize = bearerKeys("for-tests-0123456789");
  const { handler, providers } = setUp([["Yes"]], { authorize });
  await assertRefused(await handler(ask()), providers, 401);
  const request = post(JSON.stringify(QUESTION), {
    authorization: "Bearer for-tests-0123456789",
  });
  assertEquals((await allEvents(await handler(request))).at(-1)![0], "done");
});

Deno.test("a call beyond maxConcurrent gets a 503, until another has ended", async () => {
  const { handler } = setUp([["Yes"]], { maxConcurrent: 1 });
  const first = await handler(ask());
  const second = await handler(ask());
  assertEquals(second.status, 503);
  await second.body!.cancel();
  await first.body!.cancel();
  assertEquals((await allEvents(await handler(ask()))).at(-1)![0], "done");
});

Deno.test("every call is reported, with its attempts and its error", async () => {
  const reports: CallReport[] = [];
  const { handler } = setUp([[wire.status(401)]], {
    onCall: (report) => reports.push(report),
  });
  await allEvents(await handler(ask()));
  const [report] = reports;
  assertEquals([report!.status, report!.attempts.length], [502, 1]);
  assert(report!.error instanceof Error);
});

Deno.test("maxTokens limits the answer", async () => {
  const { handler, providers } = setUp([["Yes"]], { maxTokens: 7 });
  await allEvents(await handler(ask()));
  const { max_tokens } = providers[0]!.calls[0]!.body as {
    max_tokens?: number;
  };
  assertEquals(max_tokens, 7);
});

Deno.test("reasoning and tool calls have events of their own", async () => {
  const { handler } = setUp([[
    { choices: [{ delta: { reasoning_content: "Hm" } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, id: "1" }] } }] },
    wire.finish(),
  ]]);
  const seen = await allEvents(await handler(ask()));
  const [reasoning, tool] = seen.filter(([type]) =>
    type === "reasoning" || type === "tool"
  );
  assertEquals(reasoning, ["reasoning", { reasoning: "Hm" }]);
  assertEquals(tool, ["tool", { tool: true }]);
});

Deno.test("/v1 speaks the chat-completions protocol", async () => {
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

Deno.test("a malformed Host header is a 400", async () => {
  const { handler, providers } = setUp([["Yes"]]);
  const request = new Request(ORIGIN);
  Object.defineProperty(request, "url", { value: "http://a b[/" });
  await assertRefused(await handler(request), providers, 400);
});

Deno.test("localOnly() answers this machine, and no other host or page", async () => {
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

Deno.test("a call that is returned before it began asks nobody", async () => {
  const call = new LiveCall(() => {
    throw new Error("asked");
  });
  assertEquals(await call.return(), { done: true, value: undefined });
});

Deno.test("return() ends a call in which no model says anything", async () => {
  const asked = Promise.withResolvers<void>();
  const { fetch, calls } = fakeProvider([step.hang()], {
    onCall: () => asked.resolve(),
  });
  const model = openaiModel({ model: "silent", fetch });
  const call = new LiveCall((options) =>
    fallbackStream([model], QUESTION, options)
  );
  await call.next();
  const waiting = call.next();
  await asked.promise;
  await call.return();
  assertEquals(calls[0]!.outcome, "aborted");
  const { value } = await waiting;
  assert(typeof value === "object" && "attempts" in value);
  assertEquals(value.attempts[0]!.outcome, "cancelled");
});

Deno.test("nothing is read ahead of the visitor", async () => {
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
