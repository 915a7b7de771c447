// The response for one stream: events, heartbeats, failures, and clients that leave.

import { ModelTimeoutError } from "@fallback/stream";
import { type ChatChunk, chatResponse } from "@fallback/stream/gateway";
import { virtualTime } from "@fallback/stream/testing";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async/delay";
import { toInterruption } from "../../src/gateway/_failure.ts";
import { streamResponse } from "../../src/gateway/chat_response.ts";

const chunk = (content: string) => ({ choices: [{ delta: { content } }] });
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const DONE = "data: [DONE]\n\n";
const HEARTBEAT = ": \n\n";
const brokenOff = event({
  error: {
    message: "The answer broke off before it was complete.",
    type: "provider_error",
    code: "stream_interrupted",
  },
});

/**
 * A stream of these chunks, errors and promises of them, which logs what is called.
 *
 * @param closing What closing it waits for.
 */
function fakeStream(steps: readonly unknown[], closing?: Promise<unknown>) {
  const calls: string[] = [];
  const rest = [...steps];
  const iterator: AsyncIterableIterator<ChatChunk> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      calls.push("next");
      const value = await rest.shift();
      if (value instanceof Error) throw value;
      return value === undefined
        ? { done: true, value }
        : { done: false, value: value as ChatChunk };
    },
    async return() {
      calls.push("return");
      await closing;
      calls.push("returned");
      return { done: true, value: undefined };
    },
  };
  return { calls, iterator };
}

/** Reads the writes of a body as texts. */
function readerOf({ body }: Response) {
  const reader = body!.getReader();
  return {
    async read(): Promise<string | undefined> {
      const { value } = await reader.read();
      return value && new TextDecoder().decode(value);
    },
    cancel: () => reader.cancel(),
  };
}

async function writesOf(response: Response): Promise<string[]> {
  const writes: string[] = [];
  for await (const bytes of response.body!) {
    writes.push(new TextDecoder().decode(bytes));
  }
  return writes;
}

Deno.test("chatResponse() has the headers of events or of an answer, and the given ones win", async () => {
  for (
    const [stream, defaults] of [
      [true, {
        "cache-control": "no-cache, no-transform",
        "content-type": "text/event-stream",
        "x-accel-buffering": "no",
      }],
      [false, {
        "cache-control": "no-store",
        "content-type": "application/json",
      }],
    ] as const
  ) {
    for (const own of [undefined, { "x-a": "b", "cache-control": "public" }]) {
      const { iterator } = fakeStream([]);
      const options = { stream, headers: own };
      const response = await chatResponse(iterator, options);
      assertEquals(
        Object.fromEntries(response.headers),
        { ...defaults, ...own },
      );
      await response.body?.cancel();
    }
  }
});

Deno.test("chatResponse() writes each chunk, usage only with includeUsage, and no chunk that stands for [DONE]", async () => {
  const usage = { total_tokens: 7 };
  const chunks = [
    { ...chunk("a"), usage: null },
    { ...chunk("b"), usage },
    { choices: [], usage },
    { choices: [] },
    { object: "chat.completion.chunk", choices: [] },
    { id: "filter", choices: [] },
    { choices: [], usage: null },
    { object: "chat.completion.chunk", ...chunk("c") },
  ];
  for (const includeUsage of [undefined, false, true]) {
    const { calls, iterator } = fakeStream(chunks);
    assertEquals(await writesOf(chatResponse(iterator, { includeUsage })), [
      event(chunks[0]),
      event(includeUsage ? chunks[1] : chunk("b")),
      ...includeUsage ? [event(chunks[2])] : [],
      ...chunks.slice(5).map(event),
      DONE,
    ]);
    assertEquals(calls, Array(9).fill("next"));
  }
});

Deno.test("chatResponse() sends a heartbeat after 15 seconds of silence, or heartbeatMs", async () => {
  async function* slow() {
    yield chunk("a");
    await delay(40_000);
    yield chunk("b");
    await delay(20_000);
  }
  const chunks = (["a", "b"] as const).map((text) => event(chunk(text)));
  const cases: [number | undefined, [ms: number, text: string][]][] = [
    [undefined, [[15_000, HEARTBEAT], [30_000, HEARTBEAT], [
      55_000,
      HEARTBEAT,
    ]]],
    [39_999, [[39_999, HEARTBEAT]]],
    [0, []],
  ];
  for (const [heartbeatMs, heartbeats] of cases) {
    await virtualTime(async () => {
      const { read } = readerOf(chatResponse(slow(), { heartbeatMs }));
      const writes: [ms: number, text: string][] = [];
      for (let text; (text = await read());) writes.push([Date.now(), text]);
      const expected: typeof writes = [
        [0, chunks[0]!],
        ...heartbeats,
        [40_000, chunks[1]!],
        [60_000, DONE],
      ];
      assertEquals(writes, expected.sort(([a], [b]) => a - b));
    });
  }
});

Deno.test("chatResponse() sends at most one heartbeat to a client that does not read", async () => {
  await virtualTime(async () => {
    async function* slow() {
      yield chunk("a");
      await delay(100);
      yield chunk("b");
    }
    const { read } = readerOf(chatResponse(slow(), { heartbeatMs: 10 }));
    const writes: unknown[] = [];
    // Waits before it reads a number of times.
    for (const [ms, count] of [[25, 1], [20, 1], [50, 2], [100, 4]] as const) {
      await delay(ms);
      for (let i = 0; i < count; i++) writes.push([await read(), Date.now()]);
    }
    assertEquals(writes, [
      [event(chunk("a")), 25],
      [HEARTBEAT, 55],
      [HEARTBEAT, 105],
      [HEARTBEAT, 115],
      [HEARTBEAT, 215],
      [event(chunk("b")), 215],
      [DONE, 215],
      [undefined, 215],
    ]);
  });
});

Deno.test("chatResponse() closes a stream that fails, and then ends with an error event", async () => {
  const cases: [failure: unknown, closing: Promise<unknown>, string][] = [
    [new Error("secret"), delay(0), brokenOff],
    [new Error("secret"), rejected(), brokenOff],
    [{ choices: null }, delay(0), brokenOff],
    [
      new ModelTimeoutError("m", "idle", 1),
      delay(0),
      event({
        error: {
          message: "The model stopped sending its answer.",
          type: "provider_error",
          code: "timeout",
        },
      }),
    ],
  ];
  for (const [failure, closing, last] of cases) {
    const { calls, iterator } = fakeStream([chunk("a"), failure], closing);
    const { read } = readerOf(chatResponse(iterator));
    const texts = await Promise.all([read(), read(), read(), read()]);
    assertEquals(texts, [event(chunk("a")), last, undefined, undefined]);
    assertEquals(calls.slice(0, 3), ["next", "next", "return"]);
    assertEquals(calls.length, closing === cases[1]![1] ? 3 : 4);
  }
});

Deno.test("chatResponse() with stream: false rejects with what the stream throws", async () => {
  const failure = new Error("reset");
  const { iterator } = fakeStream([chunk("a"), failure]);
  const error = await assertRejects(() =>
    Promise.resolve(chatResponse(iterator, { stream: false }))
  );
  assertEquals(error, failure);
});

Deno.test("chatResponse() throws for an invalid argument, and closes the stream", () => {
  const known = "'stream', 'includeUsage', 'heartbeatMs', 'headers'";
  const wrong: [options: unknown, type: typeof Error, message: string][] = [
    [null, TypeError, "'options' must be an object: current value is null"],
    [
      { streams: true },
      TypeError,
      `'options.streams' is not an option: known options are ${known}`,
    ],
    [
      { heartbeatMs: -1 },
      RangeError,
      "'options.heartbeatMs' must be a number from 0 to 2147483647: current value is -1",
    ],
    [
      { stream: "false" },
      TypeError,
      "'options.stream' must be a boolean: current value is \"false\"",
    ],
    [
      { includeUsage: 1 },
      TypeError,
      "'options.includeUsage' must be a boolean: current value is 1",
    ],
    [
      { headers: { a: "b\nc" } },
      TypeError,
      "'options.headers' must be header names with values: the value of 'a' has characters that a header cannot carry",
    ],
  ];
  // A heartbeat that was started would be a timer that is left.
  for (const [options, type, message] of wrong) {
    const { calls, iterator } = fakeStream([], rejected());
    const error = assertThrows(
      () => chatResponse(iterator, options as never),
      type,
    );
    assertEquals([error.message, calls], [message, ["return"]]);
  }
  const error = assertThrows(() => chatResponse({} as never), TypeError);
  assertEquals(
    error.message,
    "'stream' must be async iterable: current value is {}",
  );
});

/** A body whose end is logged with the calls of its stream. */
function logged(
  { calls, iterator }: ReturnType<typeof fakeStream>,
  opening?: Promise<unknown>,
  heartbeatMs = 0,
) {
  const source = opening ? opening.then(() => iterator) : iterator;
  return readerOf(streamResponse(source, {
    includeUsage: false,
    heartbeatMs,
    toError: (error) => {
      calls.push("error");
      return toInterruption(error);
    },
    onCancel: () => calls.push("cancel"),
    onEnd: () => calls.push("end"),
  }, undefined));
}

Deno.test("streamResponse() closes its source when the client leaves, reads nothing more, and then ends once", async () => {
  // What the source sends after the client has left.
  for (const late of [chunk("a"), { choices: [] }, new Error("aborted")]) {
    for (const closing of [delay(0), undefined]) {
      const next = Promise.withResolvers();
      const source = fakeStream([next.promise], closing);
      const { read, cancel } = logged(source);
      const reading = read();
      await delay(0);
      const canceled = cancel();
      next.resolve(late);
      await Promise.all([reading, canceled]);
      await delay(0);
      assertEquals(
        source.calls,
        ["next", "cancel", "return", "returned", "end"],
      );
    }
  }
});

Deno.test("streamResponse() ends once for a source that fails to close", async () => {
  const source = fakeStream([], rejected());
  await logged(source).cancel();
  assertEquals(source.calls, ["cancel", "return", "end"]);
});

Deno.test("streamResponse() waits for a source that opens after the client has left", async () => {
  const opening = Promise.withResolvers();
  const source = fakeStream([]);
  const canceled = logged(source, opening.promise).cancel();
  await delay(0);
  assertEquals(source.calls, ["cancel"]);
  opening.resolve(undefined);
  await canceled;
  assertEquals(source.calls, ["cancel", "return", "returned", "end"]);
});

Deno.test("streamResponse() ends for a source that never opens", async () => {
  const source = fakeStream([]);
  await logged(source, rejected()).cancel();
  assertEquals(source.calls, ["cancel", "end"]);
});

Deno.test("streamResponse() closes and ends once when the client leaves while a failed source is closed", async () => {
  const closing = Promise.withResolvers();
  const source = fakeStream([new Error("reset")], closing.promise);
  const { read, cancel } = logged(source);
  const reading = read();
  await delay(0);
  assertEquals(source.calls, ["next", "return"]);
  const canceled = cancel();
  closing.resolve(undefined);
  await Promise.all([reading, canceled]);
  await delay(0);
  assertEquals(source.calls, ["next", "return", "cancel", "returned", "end"]);
});

Deno.test("streamResponse() ends once when the client leaves before it has read the end", async () => {
  await virtualTime(async () => {
    const source = fakeStream([delay(25)]);
    const { read, cancel } = logged(source, undefined, 10);
    // The second heartbeat is not read.
    assertEquals(await read(), HEARTBEAT);
    await delay(50);
    await cancel();
    assertEquals(source.calls, ["next", "end"]);
  });
});

/** A rejection that is always handled. */
function rejected(): Promise<never> {
  const promise = Promise.reject(new Error("cannot close"));
  promise.catch(() => {});
  return promise;
}
