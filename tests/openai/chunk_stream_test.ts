import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { FakeTime } from "@std/testing/time";
import {
  type ChatChunk,
  openaiModel,
  StreamError,
} from "@fallback/stream/openai";
import {
  fakeProvider,
  type ProviderCall,
  step,
  virtualTime,
  wire,
} from "@fallback/stream/testing";
import { fallbackStream } from "@fallback/stream";
import {
  type FinishNote,
  finishNote,
  type NotedSource,
} from "../../src/engine/finish_note.ts";
import { type ReadySource, takeReady } from "../../src/engine/ready.ts";
import { createAttempt } from "../_test_attempt.ts";
import { packetsFetch } from "./_packets.ts";
import {
  delta,
  DONE,
  HttpAttempt,
  read,
  REQUEST,
  textIn,
  textOf,
} from "./_http_attempt.ts";

const model = openaiModel({ model: "fake" });

Deno.test("openaiModel() delivers the chunks unchanged", async () => {
  const preamble = delta({ role: "assistant", content: "" });
  const usage = { choices: [], usage: { total_tokens: 9 } };
  await using httpAttempt = new HttpAttempt([
    preamble,
    "Hel",
    "lo",
    wire.finish(),
    usage,
  ]);

  const chunks = await httpAttempt.chunks();

  assertEquals(chunks[0], preamble);
  assertEquals(textOf(chunks), "Hello");
  assertEquals(chunks.slice(3), [wire.finish(), usage] as ChatChunk[]);
  assertEquals(httpAttempt.call.outcome, "completed");
});

Deno.test("openaiModel() reads one packet per pull", async () => {
  await using attempt = createAttempt();
  const provider = fakeProvider([wire.packet("a", "b"), "c", "d"]);
  const { fetch } = provider;
  const stream = await openaiModel({ model: "fake", fetch })
    .stream(REQUEST, attempt.context);
  const [call] = provider.calls;
  const chunks = stream[Symbol.asyncIterator]();

  assertEquals(call?.sent.length, 0);
  await Promise.all([chunks.next(), chunks.next()]);
  assertEquals(call?.sent.length, 1);
  await chunks.next();
  assertEquals(call?.sent.length, 2);
});

Deno.test("openaiModel() delivers a final chunk for [DONE] without a finish_reason", async () => {
  const chunks = await read([
    wire.raw(`data: ${JSON.stringify(delta({}))}\n\ndata: [DONE]\n\n`),
  ]);

  assertEquals(chunks.map((chunk) => model.isFinal!(chunk)), [false, true]);
  assertEquals(chunks[1], { object: "chat.completion.chunk", choices: [] });
  assert(!model.isContent!(chunks[1]!));
});

Deno.test("openaiModel() ends the stream and closes the connection at [DONE]", async () => {
  await using httpAttempt = new HttpAttempt(["Hi", DONE, step.hang()]);

  assertEquals((await httpAttempt.chunks()).length, 2);

  await httpAttempt.closed;
  assertEquals(httpAttempt.call.outcome, "aborted");
});

Deno.test("openaiModel() completes a chunk whose choices or deltas are missing or elsewhere", async () => {
  const call = { id: "c" };
  const cases: [sent: object, delivered: object][] = [
    [{ usage: {} }, { usage: {}, choices: [] }],
    [{ choices: null }, { choices: [] }],
    [{ choices: 7 }, { choices: [] }],
    [{ choices: { delta: {} } }, { choices: [{ delta: {} }] }],
    [{ choices: [null, 7, [], { delta: {} }] }, { choices: [{ delta: {} }] }],
    [{ choices: [{ text: "a" }] }, {
      choices: [{ text: "a", delta: { content: "a" } }],
    }],
    [{ choices: [{ text: 7, message: [] }] }, {
      choices: [{ text: 7, message: [] }],
    }],
    [{ choices: [{ delta: {}, text: "a", message: {} }] }, {
      choices: [{ delta: {}, text: "a", message: {} }],
    }],
    [{ choices: [{ delta: null, message: { content: 6 } }] }, {
      choices: [{ delta: { content: "6" } }],
    }],
    [{ choices: [{ delta: { content: false } }] }, {
      choices: [{ delta: { content: "false" } }],
    }],
    [{ choices: [{ delta: { content: ["a"] } }] }, {
      choices: [{ delta: { content: ["a"] } }],
    }],
    [
      {
        choices: [{
          message: { tool_calls: [null, { ...call, index: 7 }, call] },
        }],
      },
      {
        choices: [{
          delta: {
            tool_calls: [null, { ...call, index: 7 }, { ...call, index: 2 }],
          },
        }],
      },
    ],
    [{ choices: [{ message: { tool_calls: 7 } }] }, {
      choices: [{ delta: { tool_calls: 7 } }],
    }],
  ];
  for (const [sent, delivered] of cases) {
    assertEquals((await read([sent]))[0], delivered as ChatChunk);
  }
});

Deno.test("openaiModel() delivers of an error what is content or has a failing finish_reason", async () => {
  const error = { message: "Down" };
  const content = { index: 0, delta: { content: "Hi" } };
  const failed = { index: 0, delta: {}, finish_reason: "error" };
  const cases: [chunk: object, isDelivered: boolean][] = [
    [{ error, choices: [] }, false],
    [{ error, choices: [content] }, true],
    [{ choices: [failed] }, true],
    [{ choices: [{ ...failed, error }] }, true],
  ];
  for (const [chunk, isDelivered] of cases) {
    await using attempt = createAttempt();
    const end = `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`;
    const { fetch } = fakeProvider(["Hi", wire.raw(end)]);
    const stream = await openaiModel({ model: "m", fetch })
      .stream(REQUEST, attempt.context);
    const delivered: object[] = [];
    await assertRejects(async () => {
      for await (const each of stream) delivered.push(each);
    }, StreamError);
    assertEquals(delivered.slice(1), isDelivered ? [chunk] : []);
  }
});

Deno.test("openaiModel() ends without an error when the server ends an answer too early", async () => {
  assertEquals(textOf(await read(["Hi", step.truncate()])), "Hi");
});

Deno.test("openaiModel() ignores a byte order mark, comments and empty events", async () => {
  const chunks = await read([
    wire.raw("\uFEFFdata: {}\n\n"),
    wire.raw(": OPENROUTER PROCESSING\n\n"),
    wire.raw(":\n\nid: 1\nretry: 10\n\nevent: ping\n\ndata:\n\n"),
    "Hi",
  ]);

  assertEquals(chunks.length, 3);
  assertEquals(textOf(chunks), "Hi");
});

Deno.test("openaiModel() ends without a chunk for a 200 without a body", async () => {
  const fetch = () => Promise.resolve(new Response(null));
  assertEquals(await read([], { fetch }), []);
});

Deno.test("openaiModel() delivers content before an error in the same packet", async () => {
  await using httpAttempt = new HttpAttempt([
    wire.packet("Hel", wire.errorEvent("Down")),
    step.hang(),
  ]);
  const chunks = await httpAttempt.open();

  assertEquals(textIn((await chunks.next()).value), "Hel");
  const error = await assertRejects(() => chunks.next());

  assertInstanceOf(error, StreamError);
  assertEquals(error.message, "Down");
  assertEquals(error.error, "Down");
  const empty = await assertRejects(() => read([wire.raw("event: error\n\n")]));
  assertEquals((empty as StreamError).error, undefined);
  await httpAttempt.closed;
  assertEquals(httpAttempt.call.outcome, "aborted");
});

Deno.test("openaiModel() rejects with the reason of an abort before the headers", async () => {
  const called = Promise.withResolvers<ProviderCall>();
  await using httpAttempt = new HttpAttempt([step.hang()], {
    onCall: called.resolve,
  });
  const opening = httpAttempt.open();
  const call = await called.promise;
  const reason = new TypeError("enough");

  httpAttempt.attempt.abort(reason);

  assertStrictEquals(await assertRejects(() => opening), reason);
  await deadline(call.closed, 10_000);
  assertEquals(call.outcome, "aborted");
});

for (const text of ["", "Hel"]) {
  const where = text ? "after content" : "before content";
  Deno.test(`openaiModel() rejects with the reason of an abort ${where}`, async () => {
    await using httpAttempt = new HttpAttempt([
      step.open(),
      ...(text ? [text] : []),
      step.hang(),
    ]);
    const chunks = await httpAttempt.open();
    if (text) await chunks.next();
    const pending = chunks.next();
    const reason = new Error("enough");

    httpAttempt.attempt.abort(reason);

    assertStrictEquals(await assertRejects(() => pending), reason);
    assertEquals(await chunks.next(), { done: true, value: undefined });
    await httpAttempt.closed;
    assertEquals(httpAttempt.call.outcome, "aborted");
  });
}

Deno.test("openaiModel() fails when the connection is lost in the middle of an event", async () => {
  await using httpAttempt = new HttpAttempt([
    "Hel",
    wire.raw('data: {"choices":[{"del'),
    step.fail(new Error("connection lost")),
  ]);
  const chunks = await httpAttempt.open();

  assertEquals(textIn((await chunks.next()).value), "Hel");
  await assertRejects(() => chunks.next(), TypeError);
  assertEquals(await chunks.next(), { done: true, value: undefined });
});

Deno.test("openaiModel() closes the connection on a break out of the loop", async () => {
  await using httpAttempt = new HttpAttempt(["Hel", step.hang()]);
  const chunks = await httpAttempt.open();

  for await (const _ of { [Symbol.asyncIterator]: () => chunks }) break;

  await httpAttempt.closed;
  assertEquals(httpAttempt.call.outcome, "aborted");
});

Deno.test("openaiModel() closes a stream that was never pulled with its attempt", async () => {
  await using httpAttempt = new HttpAttempt([step.open(), "Hel", step.hang()]);
  const chunks = await httpAttempt.open();
  await chunks.return?.();

  await httpAttempt.attempt[Symbol.asyncDispose]();

  await httpAttempt.closed;
  assertEquals(httpAttempt.call.outcome, "aborted");
});

Deno.test("openaiModel() ends a complete answer after 1000 ms without data, and closes it", async () => {
  using time = new FakeTime();
  await using attempt = createAttempt();
  const { calls, fetch } = fakeProvider(["Hi", wire.finish(), step.hang()]);
  const stream = await openaiModel({ model: "m", fetch })
    .stream(REQUEST, attempt.context);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  await chunks.next();
  let result: IteratorResult<ChatChunk> | undefined;
  chunks.next().then((each: IteratorResult<ChatChunk>) => result = each);

  await time.tickAsync(999);
  await time.runMicrotasks();
  assertEquals(result, undefined);
  await time.tickAsync(1);
  await time.runMicrotasks();

  assertEquals(result, { done: true, value: undefined });
  assertEquals(calls[0]?.outcome, "aborted");
  assertEquals(time.next(), false, "no timer is left");
});

Deno.test("openaiModel() leaves no timer when it is closed, or breaks, after a complete answer", async () => {
  using time = new FakeTime();
  for (const isClosed of [true, false]) {
    await using attempt = createAttempt();
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    const fetch = () => Promise.resolve(new Response(readable));
    const stream = await openaiModel({ model: "m", fetch })
      .stream(REQUEST, attempt.context);
    const chunks = stream[Symbol.asyncIterator]();
    const first = chunks.next();
    await time.runMicrotasks();
    assertEquals(time.next(), false, "no timer before the answer");
    writer.write(wire.raw(`data: ${JSON.stringify(wire.finish())}\n\n`));
    await first;
    const pending = chunks.next();
    await time.runMicrotasks();

    if (isClosed) await chunks.return?.();
    else await writer.abort(new Error("reset"));

    assertEquals(await pending, { done: true, value: undefined });
    assertEquals(time.next(), false);
  }
});

Deno.test("openaiModel() delivers nothing of a packet after it was closed", async () => {
  await using attempt = createAttempt();
  const { fetch } = fakeProvider([wire.packet("a", "b")]);
  const stream = await openaiModel({ model: "m", fetch })
    .stream(REQUEST, attempt.context);
  const chunks = stream[Symbol.asyncIterator]() as
    & AsyncIterator<ChatChunk>
    & Required<ReadySource<ChatChunk>>;
  await chunks.next();

  await chunks.return?.();

  assertEquals(chunks[takeReady](), undefined);
  assertEquals(await chunks.next(), { done: true, value: undefined });
});

Deno.test("openaiModel() has closed the body when return() resolves", async () => {
  await using attempt = createAttempt();
  const steps: string[] = [];
  const body = new ReadableStream({
    async cancel() {
      await Promise.resolve().then(() => {}).then(() => {});
      steps.push("closed");
    },
  });
  const stream = await openaiModel({
    model: "m",
    fetch: () => Promise.resolve(new Response(body)),
  }).stream(REQUEST, attempt.context);

  await stream[Symbol.asyncIterator]().return?.();
  steps.push("returned");

  assertEquals(steps, ["closed", "returned"]);
});

Deno.test("openaiModel() notes the first finish_reason and the first model of an answer", async () => {
  const end = (reason: string, index = 0) => ({
    choices: [{ index, delta: {}, finish_reason: reason }],
  });
  const cases: [chunks: object[], note: FinishNote | undefined][] = [
    [[{ choices: [], model: 7 }], undefined],
    [[{ choices: [], model: "a" }, { choices: [], model: "b" }], {
      reason: undefined,
      isUsual: false,
      model: "a",
    }],
    [[end("odd"), end("stop", 1)], {
      reason: "odd",
      isUsual: false,
      model: undefined,
    }],
    [[{ ...end("stop"), model: "a" }], {
      reason: "stop",
      isUsual: true,
      model: "a",
    }],
  ];
  for (const [sent, note] of cases) {
    await using attempt = createAttempt();
    const { fetch } = fakeProvider([...sent, step.truncate()]);
    const stream = await openaiModel({ model: "m", fetch })
      .stream(REQUEST, attempt.context) as
        & AsyncIterable<ChatChunk>
        & NotedSource;
    for await (const _ of stream);
    assertEquals(stream[finishNote], note);
  }
});

Deno.test("openaiModel() closes a stalled body at once, and ends the pending next()", async () => {
  await using attempt = createAttempt();
  let canceled = false;
  const body = new ReadableStream({
    cancel() {
      canceled = true;
      return new Promise(() => {});
    },
  });
  const stream = await openaiModel({
    model: "m",
    fetch: () => Promise.resolve(new Response(body)),
  }).stream(REQUEST, attempt.context);
  const chunks = stream[Symbol.asyncIterator]();
  const pending = chunks.next();

  chunks.return?.();

  assert(canceled);
  assertEquals(await pending, { done: true, value: undefined });
});

Deno.test("openaiModel() answers concurrent next() calls in order", async () => {
  const fetch = packetsFetch([
    wire.raw('data: {"choices":[{"delta":{"content":"a"}}]}\n\n'),
    wire.raw('data: {"choices":[{"delta":{"content":"b"}}]}\n\ndata: x\n\n'),
  ]);
  await using attempt = createAttempt();
  const stream = await openaiModel({ model: "m", fetch })
    .stream(REQUEST, attempt.context);
  const chunks = stream[Symbol.asyncIterator]();

  const results = await Promise.allSettled(
    [1, 2, 3, 4].map(() => chunks.next()),
  );

  assertEquals(results.map(({ status }) => status), [
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

Deno.test("openaiModel() marks the chunks that have already arrived in a packet", async () => {
  await using attempt = createAttempt();
  const { fetch, calls } = fakeProvider([wire.packet("a", "b", "c"), "d"]);
  const stream = await openaiModel({ model: "m", fetch })
    .stream(REQUEST, attempt.context);
  const chunks = stream[Symbol.asyncIterator]() as
    & AsyncIterator<ChatChunk>
    & Required<ReadySource<ChatChunk>>;

  assertEquals(chunks[takeReady](), undefined);
  const texts = [textIn((await chunks.next()).value)];
  for (let ready; (ready = chunks[takeReady]());) {
    assertEquals(ready.done, false);
    texts.push(textIn(ready.value));
  }

  assertEquals(texts, ["a", "b", "c"]);
  assertEquals(calls[0]?.sent.length, 1);
});

Deno.test("openaiModel() closes the connection when the stack is disposed of before the first pull", async () => {
  await using httpAttempt = new HttpAttempt([step.open(), "Hel", step.hang()]);
  await httpAttempt.open();

  await httpAttempt.attempt[Symbol.asyncDispose]();

  await httpAttempt.closed;
  assertEquals(httpAttempt.call.outcome, "aborted");
});

Deno.test("openaiModel() cancels the body at once when the signal aborts and fetch ignores it", async () => {
  await using attempt = createAttempt();
  const reasons: unknown[] = [];
  const body = new ReadableStream({
    cancel: (reason) => void reasons.push(reason),
  });
  const stream = await openaiModel({
    model: "m",
    fetch: () => Promise.resolve(new Response(body)),
  }).stream(REQUEST, attempt.context);
  const pending = stream[Symbol.asyncIterator]().next();
  const reason = new Error("enough");

  attempt.abort(reason);

  assertEquals(reasons, [reason]);
  assertStrictEquals(await assertRejects(() => pending), reason);
});

Deno.test("openaiModel() numbers the tool calls of a whole completion", async () => {
  const call = { id: "c", function: { name: "f", arguments: "{}" } };
  const message = { content: null, tool_calls: [call, { ...call, index: 7 }] };
  const completion = {
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: "tool_calls" }],
  };
  const fetch = packetsFetch([wire.raw(JSON.stringify(completion))]);

  const chunks = await read([], { fetch });

  assertEquals(chunks, [{
    object: "chat.completion.chunk",
    choices: [{
      index: 0,
      delta: {
        content: null,
        tool_calls: [{ ...call, index: 0 }, { ...call, index: 7 }],
      },
      finish_reason: "tool_calls",
    }],
  }]);
});

Deno.test("openaiModel() delivers a line of JSON once when its line end comes late", async () => {
  const line = (content: string) => JSON.stringify(delta({ content }));
  const packets: Record<string, string[]> = {
    "before another line": [line("A"), `\n${line("B")}\n`],
    "twice": [line("A"), `\n${line("B")}`, "\n"],
    "at the end": [line("AB"), "\n"],
    "after an event": [`data: ${line("A")}\n\n`, line("B"), "\n\n"],
    "within the line": [line("AB").slice(0, 20), `${line("AB").slice(20)}\n`],
  };
  for (const [name, texts] of Object.entries(packets)) {
    const script = texts.flatMap((text) => [step.wait(1300), wire.raw(text)]);
    await virtualTime(async () => {
      const { fetch } = fakeProvider([...script, wire.finish(), DONE]);
      assertEquals(textOf(await read([], { fetch })), "AB", name);
    });
  }
});

Deno.test('openaiModel() reads on after a finish_reason of "null"', async () => {
  const going = {
    choices: [{ index: 0, delta: { content: "A" }, finish_reason: "null" }],
  };
  for (const end of [[wire.finish()], []]) {
    const { fetch } = fakeProvider([going, "B", ...end, step.truncate()]);
    const models = [openaiModel({ model: "m", fetch })];
    await using stream = await fallbackStream(models, REQUEST);
    const chunks: ChatChunk[] = [];
    const failure = await (async () => {
      for await (const chunk of stream) chunks.push(chunk);
    })().catch((error) => error.name);
    assertEquals(textOf(chunks), "AB");
    assertEquals(failure, end.length ? undefined : "TruncatedStreamError");
  }
});
