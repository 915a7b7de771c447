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
  wire,
} from "@fallback/stream/testing";
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
  await chunks.next();
  await chunks.next();
  assertEquals(call?.sent.length, 1);
  await chunks.next();
  assertEquals(call?.sent.length, 2);
});

Deno.test("openaiModel() delivers a final chunk for [DONE] without a finish_reason", async () => {
  await using httpAttempt = new HttpAttempt(["Hi", DONE, step.truncate()]);

  const chunks = await httpAttempt.chunks();

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

Deno.test("openaiModel() adds empty choices to an event without them", async () => {
  const chunks = await read([{ usage: {} }, { choices: null }, wire.finish()]);

  assertEquals(chunks[0], { usage: {}, choices: [] });
  assertEquals(chunks[1], { choices: [] });
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
  const reason = new Error("enough");

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

Deno.test("openaiModel() leaves no timer when it is closed after a complete answer", async () => {
  using time = new FakeTime();
  await using attempt = createAttempt();
  const { fetch } = fakeProvider(["Hi", wire.finish(), step.hang()]);
  const stream = await openaiModel({ model: "m", fetch })
    .stream(REQUEST, attempt.context);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  await chunks.next();
  const pending = chunks.next();
  await time.runMicrotasks();

  await chunks.return?.();

  assertEquals(await pending, { done: true, value: undefined });
  assertEquals(time.next(), false);
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
  for (;;) {
    const ready = chunks[takeReady]();
    if (!ready) break;
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
