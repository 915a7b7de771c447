// `sseResponse()` throws with name and value of an invalid argument, and closes the
// stream, which nothing else would close.

import { fallbackStream } from "@fallback/stream";
import { type SseOptions, sseResponse } from "@fallback/stream/sse";
import {
  createJournal,
  fakeModel,
  virtualTime,
} from "@fallback/stream/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async/delay";

type Options = SseOptions<string>;

/** Invalid options, the type of the error, and its message. */
const wrongs: readonly [unknown, typeof Error, string][] = [
  ...[null, 42, "heartbeatMs"].map((value): [unknown, typeof Error, string] => [
    value,
    TypeError,
    `'options' must be an object: current value is ${JSON.stringify(value)}`,
  ]),
  [
    { hartbeatMs: 1 },
    TypeError,
    "'options.hartbeatMs' is not an option: known options are 'encode', 'event', 'heartbeatMs', 'headers', 'onClose'",
  ],
  ...["encode", "event", "onClose"].flatMap((name) =>
    [null, "json", {}].map((value): [unknown, typeof Error, string] => [
      { [name]: value },
      TypeError,
      `'options.${name}' must be a function: current value is ${
        JSON.stringify(value)
      }`,
    ])
  ),
  ...["15", null, -1, NaN, Infinity, 2 ** 31].map((
    heartbeatMs,
  ): [unknown, typeof Error, string] => [
    { heartbeatMs },
    typeof heartbeatMs === "number" ? RangeError : TypeError,
    `'options.heartbeatMs' must be a number from 0 to 2147483647: current value is ${
      Deno.inspect(heartbeatMs)
    }`,
  ]),
];

for (const [options, kind, message] of wrongs) {
  Deno.test(`sseResponse() throws with the value of an invalid option, and closes the stream: ${Deno.inspect(options)}`, async () => {
    const journal = createJournal();
    const model = fakeModel("fake", ["a", "b"], { journal });
    await virtualTime(async () => {
      const stream = await fallbackStream([model], "hi");
      const error = assertThrows(
        () => sseResponse(stream, options as Options),
        kind,
      );
      assertEquals(error.message, message);
      await delay(1);
      assertEquals(stream.attempts[0]?.outcome, "cancelled");
    });
    journal.assertClean();
  });
}

const wrong = new Error("wrong");
const throws = () => {
  throw wrong;
};

/** Invalid headers, and options that throw when they are read. */
const unreadable: Record<string, () => unknown> = {
  "a header's name with a space": () => ({ headers: { "a b": "c" } }),
  "a header's value with a line end": () => ({ headers: { a: "b\r\nc: d" } }),
  "a header's value beyond Latin-1": () => ({ headers: { a: "☃" } }),
  "headers that are a number": () => ({ headers: 42 }),
  "invalid pairs of headers": () => ({ headers: [["a"]] }),
  "headers that throw": () => ({
    get headers() {
      return throws();
    },
  }),
  "a getter of encode that throws": () => ({
    get encode() {
      return throws();
    },
  }),
};

for (const [what, options] of Object.entries(unreadable)) {
  Deno.test(`sseResponse() closes the stream when it throws: ${what}`, async () => {
    const journal = createJournal();
    const model = fakeModel("fake", ["a", "b"], { journal });
    await virtualTime(async () => {
      const stream = await fallbackStream([model], "hi");
      assertThrows(() => sseResponse(stream, options() as Options), Error);
      await delay(1);
    });
    journal.assertClean();
  });
}

for (const stream of [undefined, null, 42, "text", {}, ["a"], () => {}]) {
  Deno.test(`sseResponse() throws TypeError with the value when the stream is not async iterable: ${Deno.inspect(stream)}`, () => {
    const { message } = assertThrows(
      () => sseResponse(stream as unknown as AsyncIterable<string>),
      TypeError,
    );
    const shown = typeof stream === "function"
      ? "a function"
      : JSON.stringify(stream);
    assertEquals(
      message,
      `'stream' must be async iterable: current value is ${shown}`,
    );
  });
}

/** Invalid `return()` methods of iterators. */
const returns: Record<string, AsyncIterator<string>["return"]> = {
  "throws": throws,
  "rejects": () => Promise.reject(wrong),
  "returns no promise": (() => ({})) as () => never,
  "returns undefined": (() => {}) as () => never,
};

for (const [what, close] of Object.entries(returns)) {
  Deno.test(`sseResponse() throws the error of an invalid option when the return() of the stream ${what}`, () => {
    let closes = 0;
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(wrong),
        return: () => {
          closes++;
          return close!();
        },
      }),
    };
    assertThrows(
      () => sseResponse(source, { heartbeatMs: -1 }),
      RangeError,
      "heartbeatMs",
    );
    assertEquals(closes, 1);
  });
}

async function* source(): AsyncGenerator<string> {
  yield "a";
}

Deno.test("sseResponse() adds headers, and compares their names with the defaults without case", async () => {
  const given: HeadersInit[] = [
    { "Cache-Control": "no-store", "x-request-id": "1" },
    [["Cache-Control", "no-store"], ["x-request-id", "1"]],
    new Headers({ "Cache-Control": "no-store", "x-request-id": "1" }),
  ];
  for (const headers of given) {
    const response = sseResponse(source(), { headers });
    assertEquals(Object.fromEntries(response.headers), {
      "cache-control": "no-store",
      "content-type": "text/event-stream",
      "x-accel-buffering": "no",
      "x-request-id": "1",
    });
    await response.body!.cancel();
  }
});

Deno.test("sseResponse() accepts headers with several values", async () => {
  const response = sseResponse(source(), {
    headers: [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["vary", "origin"],
      ["vary", "accept"],
    ],
  });
  assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assertEquals(response.headers.get("vary"), "origin, accept");
  await response.body!.cancel();
});

Deno.test("sseResponse() uses the defaults for undefined options", async () => {
  const response = sseResponse(source(), {
    encode: undefined,
    event: undefined,
    heartbeatMs: undefined,
    headers: undefined,
    onClose: undefined,
  });
  assertEquals(
    await response.text(),
    'data: "a"\n\nevent: done\ndata: {"attempts":[]}\n\n',
  );
});
