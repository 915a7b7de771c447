// What the cases of the contract cannot test: types, missing globals and permissions,
// the memory of a long stream, and a bug of old runtimes.

import { fallbackModel, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { sseResponse } from "@fallback/stream/sse";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { stub } from "@std/testing/mock";
import { heapUsedAfterGc } from "./_heap_used.ts";
import { test } from "./_test_without_permissions.ts";
import { withoutGlobal } from "./_without_global.ts";

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

test("fallbackStream() needs no permission", async () => {
  await using stream = await fallbackStream([numbers], 3);
  assertEquals(await Array.fromAsync(stream), [0, 1, 2]);
});

test("fallbackStream() throws without AsyncDisposableStack, and calls no model", async () => {
  let calls = 0;
  const model = () => numbers(++calls);
  const first: (() => unknown)[] = [
    () => fallbackStream([model], "hi"),
    () => fallbackModel([model]),
    () => continueStream([model], "hi", { resume: () => undefined }),
  ];
  for (const call of first) {
    await assertRejects(
      () => withoutGlobal("AsyncDisposableStack", async () => await call()),
      TypeError,
      "Cannot open streams as this runtime has no AsyncDisposableStack: Deno 2.3, Node 24, Bun 1.3.12 or later is required",
    );
  }
  assertEquals(calls, 0);
});

test("fallbackStream() infers the types of request and chunks from the models", async () => {
  const counting = {
    name: "counting",
    stream: (request: { to: number }) => numbers(request.to),
    isFinal: (chunk: number) => chunk === 1,
  };
  await using stream = await fallbackStream([counting], { to: 2 }, {
    isContent: (chunk) => chunk >= 0,
  });
  for await (const chunk of stream) {
    const exactly: number = chunk;
    assertLess(exactly, 2);
  }
  // @ts-expect-error the models do not take this request
  fallbackStream([counting], { to: "two" }).then((s) => s.return(), () => {});
  // @ts-expect-error the models do not give these chunks
  await fallbackStream([counting], { to: 1 }, { isFinal: (c: string) => !!c })
    .then((s) => s.return());
});

test("fallbackStream() keeps no memory per chunk in 4,000,000 chunks (R10)", async () => {
  const many = 4_000_000;
  await using stream = await fallbackStream([numbers], many, {
    timeouts: { idleMs: 60_000 },
    signal: new AbortController().signal,
  });
  let highest = 0;
  let lowest = Infinity;
  let count = 0;
  for await (const chunk of stream) {
    if (++count % 20_000 !== 0) continue;
    const { heapUsed } = Deno.memoryUsage();
    // The minimum in the last tenth is the heap after a collection.
    if (chunk < many / 10) highest = Math.max(highest, heapUsed);
    if (chunk > many * 0.9) lowest = Math.min(lowest, heapUsed);
  }
  assertEquals(count, many);
  assertLess(lowest, highest + 8 * 2 ** 20);
});

/** Ways to read an answer other than the stream itself. */
const readings: Record<
  string,
  (count: number) => Promise<AsyncIterable<unknown>>
> = {
  "as a ReadableStream": async (count) =>
    (await fallbackStream([numbers], count)).toReadableStream(),
  "through chains in a chain": (count) =>
    fallbackStream([fallbackModel([fallbackModel([numbers])])], count, {
      timeouts: { idleMs: 60_000 },
    }),
  "as server-sent events": async (count) =>
    sseResponse(await fallbackStream([numbers], count)).body!,
};

for (const [name, read] of Object.entries(readings)) {
  test(`fallbackStream() keeps no memory per chunk that is read ${name} (R10)`, async () => {
    const many = 100_000;
    let early = 0;
    let late = 0;
    let count = 0;
    for await (const _ of await read(many)) {
      if (++count === many / 10) early = heapUsedAfterGc();
      if (count === many) late = heapUsedAfterGc();
    }
    // One number per chunk would take 700 KiB.
    assertLess(late - early, 256 * 2 ** 10);
  });
}

test("fallbackStream() ignores a timer that fires after clearTimeout() (R17)", async () => {
  async function* slow(): AsyncGenerator<number> {
    await delay(15);
    yield 0;
    await delay(100);
    yield 1;
  }
  const events: string[] = [];
  const call = () =>
    fallbackStream([slow], 0, {
      timeouts: { openMs: 10, firstContentMs: 20, totalMs: 200 },
      onEvent: ({ type }) => events.push(type),
    });
  await virtualTime(async () => {
    // Deno before 2.7 does this when timers are due at the same time.
    using _ = stub(globalThis, "clearTimeout", () => {});
    assertEquals(await Array.fromAsync(await call()), [0, 1]);
    await delay(300);
    const stream = await call();
    await stream.next();
    const pending = stream.next();
    await stream.return();
    assertEquals(await pending, { done: true, value: undefined });
    await delay(300);
  });
  assertEquals(events, [
    ...["started", "opened", "committed", "completed", "closed"],
    ...["started", "opened", "committed", "cancelled", "closed"],
  ]);
});

test("fallbackStream() returns a stream that shows its model, outcome and attempts in console.log", async () => {
  const models = [
    fakeModel("a", [step.fail(new Error("overloaded"))]),
    fakeModel("b", ["b0"]),
  ];
  const stream = await fallbackStream(models, "hi");
  const shown = (outcome: string) =>
    `FallbackStream { model: "b", outcome: "${outcome}", attempts: 2 }`;
  assertEquals(Deno.inspect(stream), shown("streaming"));
  await stream.return();
  assertEquals(Deno.inspect(stream), shown("cancelled"));
  assertEquals(Object.keys(JSON.parse(JSON.stringify(stream))), [
    "model",
    "outcome",
    "attempts",
  ]);
});

test("fallbackStream() refuses options that are a signal, a list or a function", async () => {
  const { signal } = new AbortController();
  for (const options of [signal, [], () => {}]) {
    await assertRejects(
      () => fallbackStream([fakeModel("a", ["a0"])], "hi", options as never),
      TypeError,
      "'options' must be an object such as { signal }",
    );
  }
});
