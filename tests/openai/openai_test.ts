import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { FakeTime } from "@std/testing/time";
import {
  type ChatChunk,
  type ChatRequest,
  HttpError,
  openaiModel,
  type OpenAIModelOptions,
  StreamError,
} from "@fallback/stream/openai";
import {
  type FakeProvider,
  fakeProvider,
  type FakeProviderOptions,
  type ProviderCall,
  step,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { type HandMadeAttempt, makeAttempt } from "../_attempt.ts";
import { failureOf } from "../_failure_of.ts";

const REQUEST: ChatRequest = { messages: [{ role: "user", content: "Hi" }] };
const KEY = "sk-proj-Zx81/qLm04TgWv";
const DONE = wire.raw("data: [DONE]\n\n");

/** One attempt at a fake provider, over HTTP. */
class Visit implements AsyncDisposable {
  readonly provider: FakeProvider;
  readonly attempt: HandMadeAttempt = makeAttempt();
  readonly #server: AsyncDisposable & { baseURL: string };
  readonly #options: Partial<OpenAIModelOptions>;

  constructor(
    script: WireScript,
    options: Partial<OpenAIModelOptions> & FakeProviderOptions = {},
  ) {
    this.provider = fakeProvider(script, options);
    this.#server = this.provider.listen();
    this.#options = options;
  }

  get call(): ProviderCall {
    return this.provider.calls[0]!;
  }

  /** The end of its connection, which has to come. */
  get closed(): Promise<void> {
    return deadline(this.call.closed, 10_000);
  }

  async open(request = REQUEST): Promise<AsyncIterator<ChatChunk>> {
    const model = openaiModel({
      model: "fake",
      baseURL: this.#server.baseURL,
      apiKey: KEY,
      ...this.#options,
    });
    const stream = await model.stream(request, this.attempt.context);
    return stream[Symbol.asyncIterator]();
  }

  async chunks(): Promise<ChatChunk[]> {
    return await collect(await this.open());
  }

  /** What opening or reading it throws. */
  async failure(): Promise<unknown> {
    return await failureOf(this.chunks());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.attempt[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

/** One attempt without a network, where packets arrive just as they are sent. */
async function read(
  script: WireScript,
  options: FakeProviderOptions & Partial<OpenAIModelOptions> = {},
): Promise<ChatChunk[]> {
  await using attempt = makeAttempt();
  const { fetch } = fakeProvider(script, options);
  const model = openaiModel({ model: "fake", apiKey: KEY, fetch, ...options });
  const stream = await model.stream(REQUEST, attempt.context);
  return await collect(stream[Symbol.asyncIterator]());
}

async function collect(
  chunks: AsyncIterator<ChatChunk>,
): Promise<ChatChunk[]> {
  return await Array.fromAsync({ [Symbol.asyncIterator]: () => chunks });
}

function textOf(chunks: ChatChunk[]): string {
  return chunks.map(textIn).join("");
}

function textIn(chunk: ChatChunk): string {
  return chunk.choices[0]?.delta?.content ?? "";
}

/** A chunk with one delta. */
function delta(delta: Record<string, unknown>): ChatChunk {
  return { choices: [{ index: 0, delta }] } as ChatChunk;
}

function assertHidesKey(error: unknown): void {
  assertInstanceOf(error, Error);
  const shown = [
    Deno.inspect(error, { depth: 9, showHidden: true }),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    error instanceof HttpError ? [...error.headers].join("\n") : "",
  ].join("\n");
  assert(!shown.includes(KEY), shown);
  assert(!shown.includes(KEY.slice(0, 12)), shown);
  assert(!shown.includes(KEY.replace("/", "\\/")), shown);
}

const model = openaiModel({ model: "fake" });

// What is asked

Deno.test("openai: posts the request's fields to /chat/completions", async () => {
  await using visit = new Visit(["Hi"]);

  await collect(
    await visit.open({ ...REQUEST, temperature: 0.2, model: "other" }),
  );

  const { url, headers, body } = visit.call;
  assert(url.endsWith("/v1/chat/completions"), url);
  assertEquals(headers.get("authorization"), `Bearer ${KEY}`);
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(headers.get("accept"), "text/event-stream");
  assertEquals(body, {
    ...REQUEST,
    temperature: 0.2,
    model: "fake",
    stream: true,
  });
});

Deno.test("openai: sends no authorization without a key", async () => {
  await using visit = new Visit(["Hi"], { apiKey: undefined });

  await visit.chunks();

  assertEquals(visit.call.headers.get("authorization"), null);
});

Deno.test("openai: white space around a key is no part of it", async () => {
  await using visit = new Visit(["Hi"], { apiKey: `\n ${KEY}\r\n` });

  await visit.chunks();

  assertEquals(visit.call.headers.get("authorization"), `Bearer ${KEY}`);
});

Deno.test("openai: the caller's headers win", async () => {
  await using visit = new Visit(["Hi"], {
    headers: { Authorization: "Basic abc", "x-team": "red" },
  });

  await visit.chunks();

  assertEquals(visit.call.headers.get("authorization"), "Basic abc");
  assertEquals(visit.call.headers.get("x-team"), "red");
});

Deno.test("openai: joins any base address", async () => {
  const bases = {
    "https://host": "https://host/chat/completions",
    "https://host/": "https://host/chat/completions",
    "https://host/v1//": "https://host/v1/chat/completions",
    "http://host:8080/a/v1?api-version=2": //
      "http://host:8080/a/v1/chat/completions?api-version=2",
  };
  for (const [baseURL, expected] of Object.entries(bases)) {
    const provider = fakeProvider(["Hi"]);
    await read([], { baseURL, fetch: provider.fetch });
    assertEquals(provider.calls[0]?.url, expected);
  }
});

Deno.test("openai: calls fetch as a plain function", async () => {
  const { fetch } = fakeProvider(["Hi"]);
  const seen: unknown[] = [];

  await read([], {
    fetch(this: unknown, url, init) {
      seen.push(this);
      return fetch(url, init);
    },
  });

  assertEquals(seen, [undefined]);
});

Deno.test("openai: is named by its model, and provided by its host", () => {
  assertEquals(openaiModel({ model: "gpt" }).name, "gpt");
  assertEquals(openaiModel({ model: "gpt", name: "a" }).name, "a");
  assertEquals(openaiModel({ model: "gpt" }).provider, "openai");
  const groq = openaiModel({ model: "m", baseURL: "https://api.groq.com/v1" });
  assertEquals(groq.provider, "api.groq.com");
});

Deno.test("openai: takes messages of the caller's own types", async () => {
  interface OwnMessage {
    role: "user" | "assistant";
    content: string;
  }
  const own: OwnMessage[] = [{ role: "user", content: "Hi" }];
  const requests: ChatRequest[] = [
    { messages: own, temperature: 1 },
    { messages: [{ role: "user", content: "Hi", cache_control: {} }] },
    { messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] },
  ];
  for (const request of requests) {
    await using visit = new Visit(["Hi"]);
    await collect(await visit.open(request));
    assertEquals(
      visit.call.body,
      { ...request, model: "fake", stream: true },
    );
  }
});

Deno.test("openai: refuses wrong options by name and value", () => {
  const wrong: [unknown, string][] = [
    [undefined, "'options' must be an object: current value is undefined"],
    [{}, "'model' must be a string that is not empty: current value is undefi"],
    [{ model: " " }, `'model' must be a string that is not empty: current v`],
    [{ model: 5 }, "'model' must be a string that is not empty: current value"],
    [{ model: "m", name: "" }, `'name' must be a string that is not empty: c`],
    [{ model: "m", baseURL: "host/v1" }, `current value is "host/v1"`],
    [{ model: "m", baseURL: "ftp://host" }, `current value is "ftp://host"`],
    [{ model: "m", fetch: "f" }, `'fetch' must be a function: current value i`],
    [{ model: "m", headers: "h" }, "'headers' must be header names with value"],
    [{ model: "m", apiKey: "" }, "current value is of type string"],
    [{ model: "m", apiKey: 7 }, "current value is of type number"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(
      () => openaiModel(options as OpenAIModelOptions),
      TypeError,
      message,
    );
  }
});

Deno.test("openai: refuses a request without messages", async () => {
  await using attempt = makeAttempt();
  const request = { messages: "Hi" } as unknown as ChatRequest;

  await assertRejects(
    async () => await model.stream(request, attempt.context),
    TypeError,
    `'request.messages' must be an array: current value is "Hi"`,
  );
});

// What comes back

Deno.test("openai: gives the chunks as they were sent", async () => {
  const preamble = delta({ role: "assistant", content: "" });
  const usage = { choices: [], usage: { total_tokens: 9 } };
  await using visit = new Visit([preamble, "Hel", "lo", wire.finish(), usage]);

  const chunks = await visit.chunks();

  assertEquals(chunks[0], preamble);
  assertEquals(textOf(chunks), "Hello");
  assertEquals(chunks.slice(3), [wire.finish(), usage] as ChatChunk[]);
  assertEquals(visit.call.outcome, "completed");
});

Deno.test("openai: reads one packet at a time, when it is pulled", async () => {
  await using attempt = makeAttempt();
  const provider = fakeProvider([wire.packet("a", "b"), "c", "d"]);
  const { fetch } = provider;
  const stream = await openaiModel({ model: "fake", fetch })
    .stream(REQUEST, attempt.context);
  const [call] = provider.calls;
  const chunks = stream[Symbol.asyncIterator]();

  assertEquals(call?.sent.length, 0);
  await chunks.next();
  await chunks.next();
  assertEquals(call?.sent.length, 1);
  await chunks.next();
  assertEquals(call?.sent.length, 2);
});

Deno.test("openai: any text, reasoning, refusal, audio or call is content", () => {
  for (
    const content of [
      { content: "a" },
      { content: "\n" },
      { content: [{ type: "thinking" }] },
      { reasoning: "a" },
      { reasoning_content: "a" },
      { refusal: "a" },
      { audio: { data: "" } },
      { tool_calls: [{ index: 0 }] },
      { function_call: { name: "f" } },
    ]
  ) {
    assert(model.isContent!(delta(content)), JSON.stringify(content));
    const second = { choices: [{}, ...delta(content).choices] };
    assert(model.isContent!(second), JSON.stringify(content));
  }
  for (
    const preamble of [
      {},
      { role: "assistant" },
      { role: "assistant", content: "", refusal: null, tool_calls: [] },
      { reasoning: "", reasoning_content: null, function_call: null },
    ]
  ) {
    assert(!model.isContent!(delta(preamble)), JSON.stringify(preamble));
  }
  assert(!model.isContent!({ choices: [] }));
  assert(!model.isContent!({ choices: [{ finish_reason: "stop" }] }));
});

Deno.test("openai: a finish_reason on any choice is final", () => {
  assert(model.isFinal!({ choices: [{ finish_reason: "stop" }] }));
  assert(model.isFinal!({ choices: [{}, { finish_reason: "length" }] }));
  assert(!model.isFinal!({ choices: [] }));
  assert(!model.isFinal!({ choices: [{ finish_reason: null }] }));
  assert(!model.isFinal!({ choices: [{ finish_reason: "" }] }));
});

Deno.test("openai: [DONE] without a finish_reason is a final chunk", async () => {
  await using visit = new Visit(["Hi", DONE, step.truncate()]);

  const chunks = await visit.chunks();

  assertEquals(chunks.map((chunk) => model.isFinal!(chunk)), [false, true]);
  assertEquals(chunks[1], { object: "chat.completion.chunk", choices: [] });
  assert(!model.isContent!(chunks[1]!));
});

Deno.test("openai: [DONE] after a finish_reason adds no chunk", async () => {
  await using visit = new Visit(["Hi", wire.finish(), DONE, step.truncate()]);

  const chunks = await visit.chunks();

  assertEquals(chunks.map((chunk) => model.isFinal!(chunk)), [false, true]);
});

Deno.test("openai: a finish_reason without [DONE] is complete", async () => {
  await using visit = new Visit(["Hi", wire.finish("length"), step.truncate()]);

  const chunks = await visit.chunks();

  assertEquals(chunks.map((chunk) => model.isFinal!(chunk)), [false, true]);
});

Deno.test("openai: a body that just ends has no final chunk", async () => {
  await using visit = new Visit([
    "Hi",
    wire.raw('data: {"choices"'),
    step.truncate(),
  ]);

  const chunks = await visit.chunks();

  assertEquals(chunks.map((chunk) => model.isFinal!(chunk)), [false]);
});

Deno.test("openai: [DONE] ends the stream and closes the connection", async () => {
  await using visit = new Visit(["Hi", DONE, step.hang()]);

  assertEquals((await visit.chunks()).length, 2);

  await visit.closed;
  assertEquals(visit.call.outcome, "closed by the client");
});

Deno.test("openai: an event without choices gets an empty list of them", async () => {
  const chunks = await read([{ usage: {} }, { choices: null }, wire.finish()]);

  assertEquals(chunks[0], { usage: {}, choices: [] });
  assertEquals(chunks[1], { choices: [] });
});

Deno.test("openai: characters may be split between packets", async () => {
  const event = wire.raw('data: {"choices":[{"delta":{"content":"🦕é"}}]}\n\n');
  const script = Array.from(event, (byte) => Uint8Array.of(byte));

  assertEquals(textOf(await read([...script, wire.finish()])), "🦕é");
  await using visit = new Visit([...script, wire.finish()]);
  assertEquals(textOf(await visit.chunks()), "🦕é");
});

for (const lineEnd of ["\r\n", "\r"] as const) {
  const name = JSON.stringify(lineEnd);

  Deno.test(`openai: lines may end with ${name}`, async () => {
    await using visit = new Visit(["Hel", "lo"], { lineEnd });

    const chunks = await visit.chunks();

    assertEquals(textOf(chunks), "Hello");
    assert(model.isFinal!(chunks.at(-1)!));
  });

  Deno.test(`openai: packets may end between lines of ${name}`, async () => {
    const event = `data: ${JSON.stringify(delta({ content: "Hi" }))}`;
    const bytes = wire.raw(
      event + lineEnd + lineEnd + event + lineEnd + lineEnd,
    );
    const script = Array.from(bytes, (byte) => Uint8Array.of(byte));

    assertEquals(textOf(await read([...script, wire.finish()])), "HiHi");
  });
}

Deno.test("openai: a byte order mark, comments and empty events are no chunks", async () => {
  const chunks = await read([
    wire.raw("\uFEFFdata: {}\n\n"),
    wire.raw(": OPENROUTER PROCESSING\n\n"),
    wire.raw(":\n\nid: 1\nretry: 10\n\nevent: ping\n\ndata:\n\n"),
    "Hi",
  ]);

  assertEquals(chunks.length, 3);
  assertEquals(textOf(chunks), "Hi");
});

// Refusals

Deno.test("openai: a refusal is an HttpError with what the server says", async () => {
  await using visit = new Visit([
    wire.status(401, {
      headers: { "x-request-id": "r1" },
      body: { error: { message: "No such\n\u001b[31mkey", type: "auth" } },
    }),
  ]);

  const error = await visit.failure();

  assertInstanceOf(error, HttpError);
  assertEquals(error.name, "HttpError");
  assertEquals(error.status, 401);
  assertEquals(error.message, "401 No such [31mkey");
  assertEquals(error.headers.get("x-request-id"), "r1");
  assertStringIncludes(error.body, '"type":"auth"');
  assertEquals(error.retryAfterMs, undefined);
  assertEquals(visit.call.outcome, "completed");
});

Deno.test("openai: the message names the error in every server's way", async () => {
  const messages: [string | object, string][] = [
    [{ error: { type: "overloaded_error" } }, "529 overloaded_error"],
    [{ error: { message: "Busy", type: "x", code: "y" } }, "529 Busy"],
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
    const error = await failureOf(read([wire.status(529, { body })]));
    assertInstanceOf(error, HttpError);
    assertEquals(error.message, message);
  }
  const error = new HttpError(503, { statusText: "Service Unavailable" });
  assertEquals(error.message, "503 Service Unavailable");
});

Deno.test("openai: a 429's Retry-After becomes retryAfterMs", async () => {
  using time = new FakeTime("2024-05-05T10:00:00Z");
  const waits: [Record<string, string>, number | undefined][] = [
    [{ "retry-after": "20" }, 20_000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "1.5" }, 1500],
    [{ "retry-after": "Sun, 05 May 2024 10:01:00 GMT" }, 60_000],
    [{ "retry-after": "Sun, 05 May 2024 09:00:00 GMT" }, 0],
    [{ "retry-after": "20", "retry-after-ms": "150" }, 150],
    [{ "retry-after": "20", "retry-after-ms": "soon" }, 20_000],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ];
  for (const [headers, expected] of waits) {
    const error = await failureOf(read([wire.status(429, { headers })]));
    assertInstanceOf(error, HttpError);
    assertEquals(error.retryAfterMs, expected, JSON.stringify(headers));
  }
  assertEquals(time.now, Date.now());
});

Deno.test("openai: a Retry-After in seconds arrives over HTTP", async () => {
  await using visit = new Visit([
    wire.status(429, { headers: { "retry-after": "7" }, body: "Slow down" }),
  ]);

  const error = await visit.failure();

  assertInstanceOf(error, HttpError);
  assertEquals(error.message, "429 Slow down");
  assertEquals(error.retryAfterMs, 7000);
});

Deno.test("openai: no more than 64 KiB of a refusal are read", async () => {
  const headers = { "content-type": "text/html" };
  const part = new Uint8Array(48 * 1024).fill(0x2e);
  const page = [
    wire.status(500, { headers }),
    ...new Array(220).fill(part),
    step.hang(),
  ];
  await using visit = new Visit(page);
  const { calls, fetch } = fakeProvider(page);

  for (const refused of [visit.failure(), failureOf(read([], { fetch }))]) {
    const error = await refused;
    assertInstanceOf(error, HttpError);
    assertEquals(error.body, ".".repeat(64 * 1024));
    assertEquals(error.message.length, 204);
  }

  await visit.closed;
  assertEquals(visit.call.outcome, "closed by the client");
  assertEquals(calls[0]?.outcome, "closed by the client");
  assertEquals(calls[0]?.sent, page.slice(0, 3), "the status and two parts");
});

Deno.test("openai: a refusal that stalls is given up after a second", async () => {
  using time = new FakeTime();
  const refused = failureOf(
    read([wire.status(500), wire.raw('{"error'), step.hang()]),
  );
  await time.runMicrotasks();
  await time.tickAsync(999);
  let settled = false;
  refused.then(() => settled = true);
  await time.runMicrotasks();
  assert(!settled);

  await time.tickAsync(1);

  const error = await refused;
  assertInstanceOf(error, HttpError);
  assertEquals(error.body, '{"error');
  assertEquals(time.next(), false, "no timer is left");
});

Deno.test("openai: a refusal leaves no timer behind", async () => {
  using time = new FakeTime();

  await failureOf(read([wire.status(500, { body: "Sorry" })]));

  assertEquals(time.next(), false);
});

Deno.test("openai: aborting a refusal that stalls ends it", async () => {
  const arrived = Promise.withResolvers<void>();
  await using visit = new Visit([
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
  const failure = visit.failure();
  await arrived.promise;

  visit.attempt.abort(new Error("enough"));

  const error = await failure;
  assertInstanceOf(error, HttpError);
  assertEquals(error.status, 500);
  await visit.closed;
  assertEquals(visit.call.outcome, "closed by the client");
});

Deno.test("openai: a refusal that breaks is still one", async () => {
  await using visit = new Visit([
    wire.status(503),
    wire.raw("half"),
    step.fail(new Error("cut")),
  ]);

  const error = await visit.failure();

  assertInstanceOf(error, HttpError);
  assertEquals(error.status, 503);
});

Deno.test("openai: a connection that is cut before the headers rejects", async () => {
  await using visit = new Visit([step.fail(new Error("cut"))]);

  assertInstanceOf(await visit.failure(), TypeError);
});

// Errors inside a 200

Deno.test("openai: a 200 with a JSON error is thrown", async () => {
  await using visit = new Visit([
    wire.status(200, { body: { error: { message: "No credit", code: 402 } } }),
  ]);

  const error = await visit.failure();

  assertInstanceOf(error, StreamError);
  assertEquals(error.message, "402 No credit");
  assertEquals(error.status, 402);
});

Deno.test("openai: a 200 that is no stream is refused", async () => {
  const json = { object: "chat.completion", choices: [] };
  const html = { "content-type": "text/html" };
  const steps = [
    wire.status(200, { body: json }),
    wire.status(200, { body: "<p>Please log in</p>", headers: html }),
  ];
  const messages = [
    `'application/json', not 'text/event-stream': {"object":"chat.completion"`,
    `'text/html', not 'text/event-stream': <p>Please log in</p>`,
  ];
  for (const [index, step] of steps.entries()) {
    await using visit = new Visit([step]);
    const error = await visit.failure();
    assertInstanceOf(error, StreamError);
    assertStringIncludes(error.message, messages[index]!);
    assertEquals(error.error, undefined);
  }
});

Deno.test("openai: a 200 without a body ends without a chunk", async () => {
  const fetch = () => Promise.resolve(new Response(null));
  assertEquals(await read([], { fetch }), []);
});

for (const text of ["", "Hel"]) {
  const when = text ? "after" : "before";
  Deno.test(`openai: an error event ${when} content is thrown`, async () => {
    const sent = { type: "server_error", code: 502, message: "Disconnected" };
    const before = text ? [text] : [];
    await using visit = new Visit([
      step.open(),
      ...before,
      wire.errorEvent(sent),
      "no",
    ]);
    const chunks = await visit.open();
    if (text) assertEquals(textIn((await chunks.next()).value), text);

    const error = await failureOf(chunks.next());

    assertInstanceOf(error, StreamError);
    assertEquals(error.name, "StreamError");
    assertEquals(error.message, "502 Disconnected");
    assertEquals(error.type, "server_error");
    assertEquals(error.code, 502);
    assertEquals(error.status, 502);
    assertEquals(error.error, sent);
    assertEquals(await chunks.next(), { done: true, value: undefined });
  });
}

Deno.test("openai: an error after content in the same packet comes after it", async () => {
  await using visit = new Visit([
    wire.packet("Hel", wire.errorEvent("Down")),
    step.hang(),
  ]);
  const chunks = await visit.open();

  assertEquals(textIn((await chunks.next()).value), "Hel");
  const error = await failureOf(chunks.next());

  assertInstanceOf(error, StreamError);
  assertEquals(error.message, "Down");
  assertEquals(error.error, "Down");
  await visit.closed;
  assertEquals(visit.call.outcome, "closed by the client");
});

Deno.test("openai: errors are found in every server's shape", async () => {
  const events: [WireScript[number], string, number?][] = [
    [wire.raw('event: error\ndata: {"message":"Busy"}\n\n'), "Busy"],
    [wire.raw("event: error\ndata: Out of memory\n\n"), "Out of memory"],
    [
      wire.raw('event: error\ndata: {"error":{"type":"overloaded_error"}}\n\n'),
      "overloaded_error",
    ],
    [{ type: "error", error: { message: "Busy" } }, "Busy"],
    [{ object: "error", message: "Busy", code: 400 }, "400 Busy", 400],
    [{ error: { message: "Busy", status_code: 429 } }, "429 Busy", 429],
    [{ error: { message: "Busy", code: "503" } }, "503 Busy", 503],
    [{ error: { message: "Busy", code: 399 } }, "Busy"],
    [{ error: { code: 7 }, choices: [{ delta: { content: "" } }] }, "7"],
    [{ error: {} }, '{"error":{}}'],
    [{ message: "Busy", code: 503 }, "503 Busy", 503],
    [{ detail: "Not Found" }, "Not Found"],
    [{ type: "error", message: "Busy" }, "Busy"],
  ];
  for (const [event, message, code] of events) {
    const error = await failureOf(read([event]));
    assertInstanceOf(error, StreamError);
    assertEquals(error.message, message);
    assertEquals(error.status, code);
  }
});

Deno.test("openai: a finish_reason of 'error' is an error, after what was said", async () => {
  const said: string[] = [];
  const dying = {
    choices: [{ delta: { content: "lo" }, finish_reason: "error" }],
  };
  await using visit = new Visit(["Hel", dying, DONE]);
  const chunks = await visit.open();
  const error = await failureOf((async () => {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return;
      said.push(textOf([value]));
    }
  })());
  assertEquals(said.join(""), "Hello");
  assertInstanceOf(error, StreamError);
  assertEquals(error.message, "the server ended its answer with an error");
});

Deno.test("openai: an error of null is none", async () => {
  const chunks = await read([{ ...delta({ content: "Hi" }), error: null }]);

  assertEquals(textOf(chunks), "Hi");
});

Deno.test("openai: malformed JSON is named and shown in short", async () => {
  const long = `{"choices": ${"x".repeat(5000)}`;
  for (const text of [long, "null", "[1]", '"text"']) {
    await using visit = new Visit([
      "Hel",
      wire.raw(`data: ${text}\n\n`),
      step.hang(),
    ]);
    const chunks = await visit.open();
    await chunks.next();

    const error = await failureOf(chunks.next());

    assertInstanceOf(error, StreamError);
    assertStringIncludes(error.message, "no JSON object: ");
    assertStringIncludes(error.message, text.slice(0, 40));
    assertLess(error.message.length, 200);
    await visit.closed;
  }
});

Deno.test("openai: an event longer than 1 MiB is refused", async () => {
  const part = wire.raw("x".repeat(64 * 1024));
  const endless = [
    wire.raw("data: "),
    ...new Array(80).fill(part),
    step.hang(),
  ];
  await using visit = new Visit(["Hel", ...endless]);
  const chunks = await visit.open();
  assertEquals(textIn((await chunks.next()).value), "Hel");

  const error = await failureOf(chunks.next());

  assertInstanceOf(error, StreamError);
  assertMatch(error.message, /event is longer than 1048576 characters/);
  await visit.closed;
  assertEquals(visit.call.outcome, "closed by the client");
});

Deno.test("openai: neither many lines nor one packet hide a long event", async () => {
  const line = wire.raw(`data: ${"x".repeat(64 * 1024)}\n`);
  const lines = new Array(17).fill(line);
  const content = "x".repeat(1024 * 1024);
  for (const script of [lines, [wire.packet("Hel", content)], [content]]) {
    const error = await failureOf(read(script));
    assertInstanceOf(error, StreamError);
    assertMatch(error.message, /event is longer than/);
  }
  assertEquals(textOf(await read([content.slice(1000)])).length, 1047576);
});

// Stalls, cuts, and leaving early

Deno.test("openai: aborting a stall before the headers ends it with the reason", async () => {
  const called = Promise.withResolvers<ProviderCall>();
  await using visit = new Visit([step.hang()], { onCall: called.resolve });
  const opening = visit.open();
  const call = await called.promise;
  const reason = new Error("enough");

  visit.attempt.abort(reason);

  assertStrictEquals(await failureOf(opening), reason);
  await deadline(call.closed, 10_000);
  assertEquals(call.outcome, "closed by the client");
});

for (const text of ["", "Hel"]) {
  const where = text ? "in mid-answer" : "before content";
  Deno.test(`openai: aborting a stall ${where} ends it with the reason`, async () => {
    await using visit = new Visit([
      step.open(),
      ...(text ? [text] : []),
      step.hang(),
    ]);
    const chunks = await visit.open();
    if (text) await chunks.next();
    const pending = chunks.next();
    const reason = new Error("enough");

    visit.attempt.abort(reason);

    assertStrictEquals(await failureOf(pending), reason);
    await visit.closed;
    assertEquals(visit.call.outcome, "closed by the client");
  });
}

Deno.test("openai: a connection cut in mid-event breaks the stream", async () => {
  await using visit = new Visit([
    "Hel",
    wire.raw('data: {"choices":[{"del'),
    step.fail(new Error("cut")),
  ]);
  const chunks = await visit.open();

  assertEquals(textIn((await chunks.next()).value), "Hel");
  await assertRejects(() => chunks.next(), TypeError);
  assertEquals(await chunks.next(), { done: true, value: undefined });
});

Deno.test("openai: leaving the loop closes the connection", async () => {
  await using visit = new Visit(["Hel", step.hang()]);
  const chunks = await visit.open();

  for await (const _ of { [Symbol.asyncIterator]: () => chunks }) break;

  await visit.closed;
  assertEquals(visit.call.outcome, "closed by the client");
});

Deno.test("openai: a stream that is never pulled is closed with its attempt", async () => {
  await using visit = new Visit([step.open(), "Hel", step.hang()]);
  const chunks = await visit.open();
  await chunks.return?.();

  await visit.attempt[Symbol.asyncDispose]();

  await visit.closed;
  assertEquals(visit.call.outcome, "closed by the client");
});

// The key

Deno.test("openai: no error shows the key", async () => {
  const escaped = KEY.replace("/", "\\/");
  const echo = `Wrong key ${KEY}`;
  const scripts: Record<string, WireScript> = {
    "in a refusal": [
      wire.status(401, {
        headers: { "x-echo": echo, "retry-after": KEY },
        body: { error: { message: echo, type: KEY, code: KEY } },
      }),
    ],
    "in a refusal as text": [wire.status(401, { body: echo })],
    "in a refusal with an escaped slash": [
      wire.status(401, { body: `{"error":{"message":"${escaped}"}}` }),
    ],
    "where a refusal is cut": [
      wire.status(401, { body: "x".repeat(64 * 1024 - 15) + KEY }),
    ],
    "where a refusal breaks off": [
      wire.status(401, { body: `Wrong key ${KEY.slice(0, 15)}` }),
    ],
    "in a 200 that is JSON": [wire.status(200, { body: { error: echo } })],
    "in a 200 that is a page": [
      wire.status(200, {
        body: echo,
        headers: { "content-type": "text/html" },
      }),
    ],
    "in an error event": [
      wire.errorEvent({ message: echo, type: KEY, [KEY]: KEY }),
    ],
    "in an error event as text": [wire.raw(`event: error\ndata: ${echo}\n\n`)],
    "in malformed JSON": [wire.raw(`data: ${echo}\n\n`)],
    "where the excerpt is cut": [wire.raw(`data: ${"x".repeat(65)}${KEY}\n\n`)],
    "in a content type": [
      wire.status(200, { headers: { "content-type": `text/html;a=${KEY}` } }),
    ],
    "in a connection that breaks": [step.fail(new Error("cut"))],
    "in a body that breaks": [step.open(), step.fail(new Error("cut"))],
  };
  for (const script of Object.values(scripts)) {
    await using visit = new Visit(script, { apiKey: `${KEY}\n` });
    assertHidesKey(await visit.failure());
  }
  const carriers = {
    "api-key": KEY,
    "Authorization": `Token ${KEY}`,
    "x-goog-access-token": KEY,
    "cf-access-client-secret": KEY,
  };
  for (const [name, value] of Object.entries(carriers)) {
    const headers = { [name]: value };
    await using visit = new Visit([wire.status(401, { body: echo })], {
      apiKey: undefined,
      headers,
    });
    const error = await visit.failure();
    assertHidesKey(error);
    assertStringIncludes(String(error), "401 Wrong key ***");
  }
  const refuse = () =>
    Promise.resolve(new Response("", { status: 401, statusText: echo }));
  const error = await failureOf(read([], { fetch: refuse }));
  assertHidesKey(error);
  assertStringIncludes(String(error), "401 Wrong key ***");
});

Deno.test("openai: neither a model nor the refusal of a wrong key shows it", () => {
  const whole = { model: "m", apiKey: KEY, headers: { "api-key": KEY } };
  const shown = Deno.inspect(openaiModel(whole), {
    depth: 9,
    showHidden: true,
  });
  assert(!shown.includes(KEY), shown);
  for (
    const options of [
      { model: "m", apiKey: `${KEY}\u0000` },
      { model: "m", apiKey: [KEY] as unknown as string },
      { model: "m", headers: { "api-key": `${KEY}\u0000` } },
      { model: "m", baseURL: `https://user:${KEY}@host` },
      { model: "m", baseURL: `https://${KEY.replace("/", "")}@host` },
      { model: "m", baseURL: `https://user:${KEY.replace("/", "")}@host` },
    ]
  ) {
    assertHidesKey(assertThrows(() => openaiModel(options), TypeError));
  }
});

Deno.test("openai: a placeholder for a key is left in texts", async () => {
  const script = [wire.status(404, { body: "no model x" })];

  const error = await failureOf(read(script, { apiKey: "x" }));

  assertEquals((error as Error).message, "404 no model x");
});
