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
import { createModelContext } from "../_model_context.ts";
import { packetsFetch } from "./_packets.ts";
import { delta, DONE, read, REQUEST, textIn, textOf, Visit } from "./_visit.ts";

const model = openaiModel({ model: "fake" });

Deno.test("openaiModel() gives the chunks as they were sent", async () => {
  const preamble = delta({ role: "assistant", content: "" });
  const usage = { choices: [], usage: { total_tokens: 9 } };
  await using visit = new Visit([preamble, "Hel", "lo", wire.finish(), usage]);

  const chunks = await visit.chunks();

  assertEquals(chunks[0], preamble);
  assertEquals(textOf(chunks), "Hello");
  assertEquals(chunks.slice(3), [wire.finish(), usage] as ChatChunk[]);
  assertEquals(visit.call.outcome, "completed");
});

Deno.test("openaiModel() reads one packet at a time, when it is pulled", async () => {
  await using attempt = createModelContext();
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

Deno.test("openaiModel() [DONE] without a finish_reason is a final chunk", async () => {
  await using visit = new Visit(["Hi", DONE, step.truncate()]);

  const chunks = await visit.chunks();

  assertEquals(chunks.map((chunk) => model.isFinal!(chunk)), [false, true]);
  assertEquals(chunks[1], { object: "chat.completion.chunk", choices: [] });
  assert(!model.isContent!(chunks[1]!));
});

Deno.test("openaiModel() [DONE] ends the stream and closes the connection", async () => {
  await using visit = new Visit(["Hi", DONE, step.hang()]);

  assertEquals((await visit.chunks()).length, 2);

  await visit.closed;
  assertEquals(visit.call.outcome, "aborted");
});

Deno.test("openaiModel() an event without choices gets an empty list of them", async () => {
  const chunks = await read([{ usage: {} }, { choices: null }, wire.finish()]);

  assertEquals(chunks[0], { usage: {}, choices: [] });
  assertEquals(chunks[1], { choices: [] });
});

Deno.test("openaiModel() a byte order mark, comments and empty events are no chunks", async () => {
  const chunks = await read([
    wire.raw("\uFEFFdata: {}\n\n"),
    wire.raw(": OPENROUTER PROCESSING\n\n"),
    wire.raw(":\n\nid: 1\nretry: 10\n\nevent: ping\n\ndata:\n\n"),
    "Hi",
  ]);

  assertEquals(chunks.length, 3);
  assertEquals(textOf(chunks), "Hi");
});

Deno.test("openaiModel() a 200 without a body ends without a chunk", async () => {
  const fetch = () => Promise.resolve(new Response(null));
  assertEquals(await read([], { fetch }), []);
});

Deno.test("openaiModel() an error after content in the same packet comes after it", async () => {
  await using visit = new Visit([
    wire.packet("Hel", wire.errorEvent("Down")),
    step.hang(),
  ]);
  const chunks = await visit.open();

  assertEquals(textIn((await chunks.next()).value), "Hel");
  const error = await assertRejects(() => chunks.next());

  assertInstanceOf(error, StreamError);
  assertEquals(error.message, "Down");
  assertEquals(error.error, "Down");
  await visit.closed;
  assertEquals(visit.call.outcome, "aborted");
});

Deno.test("openaiModel() aborting a stall before the headers ends it with the reason", async () => {
  const called = Promise.withResolvers<ProviderCall>();
  await using visit = new Visit([step.hang()], { onCall: called.resolve });
  const opening = visit.open();
  const call = await called.promise;
  const reason = new Error("enough");

  visit.attempt.abort(reason);

  assertStrictEquals(await assertRejects(() => opening), reason);
  await deadline(call.closed, 10_000);
  assertEquals(call.outcome, "aborted");
});

for (const text of ["", "Hel"]) {
  const where = text ? "in mid-answer" : "before content";
  Deno.test(`openaiModel() aborting a stall ${where} ends it with the reason`, async () => {
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

    assertStrictEquals(await assertRejects(() => pending), reason);
    await visit.closed;
    assertEquals(visit.call.outcome, "aborted");
  });
}

Deno.test("openaiModel() a connection cut in mid-event breaks the stream", async () => {
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

Deno.test("openaiModel() leaving the loop closes the connection", async () => {
  await using visit = new Visit(["Hel", step.hang()]);
  const chunks = await visit.open();

  for await (const _ of { [Symbol.asyncIterator]: () => chunks }) break;

  await visit.closed;
  assertEquals(visit.call.outcome, "aborted");
});

Deno.test("openaiModel() a stream that is never pulled is closed with its attempt", async () => {
  await using visit = new Visit([step.open(), "Hel", step.hang()]);
  const chunks = await visit.open();
  await chunks.return?.();

  await visit.attempt[Symbol.asyncDispose]();

  await visit.closed;
  assertEquals(visit.call.outcome, "aborted");
});

Deno.test("openaiModel() ends a complete answer after 1000 ms of silence, and closes it", async () => {
  using time = new FakeTime();
  await using attempt = createModelContext();
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

Deno.test("openaiModel() leaves no timer behind when it is closed in that silence", async () => {
  using time = new FakeTime();
  await using attempt = createModelContext();
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
  await using attempt = createModelContext();
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
  await using attempt = createModelContext();
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

Deno.test("openaiModel() says which chunks of a packet have arrived already", async () => {
  await using attempt = createModelContext();
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

Deno.test("openaiModel() closes the connection when the stack is disposed of, though nobody has pulled", async () => {
  await using visit = new Visit([step.open(), "Hel", step.hang()]);
  await visit.open();

  await visit.attempt[Symbol.asyncDispose]();

  await visit.closed;
  assertEquals(visit.call.outcome, "aborted");
});

Deno.test("openaiModel() cancels the body at once when the signal aborts, also where fetch does not", async () => {
  await using attempt = createModelContext();
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

Deno.test("openaiModel() numbers the calls of tools in a whole completion", async () => {
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
