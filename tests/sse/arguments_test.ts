// `sseResponse()` throws with name and value of an invalid argument, and closes the
// stream, which nothing else would close.

import { fallbackStream } from "@fallback/stream";
import { type SseOptions, sseResponse } from "@fallback/stream/sse";
import {
  createJournal,
  fakeModel,
  virtualTime,
} from "@fallback/stream/testing";
import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async/delay";

type Options = SseOptions<string>;

/** Invalid options, the type of the error, and texts in its message. */
const wrongs: readonly [unknown, typeof Error, ...string[]][] = [
  [null, TypeError, "'options'", "null"],
  [42, TypeError, "'options'", "42"],
  ["heartbeatMs", TypeError, "'options'", "heartbeatMs"],
  [{ encode: "json" }, TypeError, "'options.encode'", "json"],
  [{ encode: null }, TypeError, "'options.encode'", "null"],
  [{ event: "message" }, TypeError, "'options.event'", "message"],
  [{ onClose: {} }, TypeError, "'options.onClose'", "{}"],
  [{ heartbeatMs: "15" }, TypeError, "'options.heartbeatMs'", "15"],
  [{ heartbeatMs: null }, TypeError, "'options.heartbeatMs'", "null"],
  [{ heartbeatMs: -1 }, RangeError, "'options.heartbeatMs'", "-1"],
  [{ heartbeatMs: NaN }, RangeError, "'options.heartbeatMs'", "NaN"],
  [{ heartbeatMs: Infinity }, RangeError, "'options.heartbeatMs'", "Infinity"],
  [{ heartbeatMs: 2 ** 31 }, RangeError, "'options.heartbeatMs'", "2147483648"],
];

for (const [options, kind, ...named] of wrongs) {
  Deno.test(`sseResponse() throws with the value of an invalid option, and closes the stream: ${Deno.inspect(options)}`, async () => {
    const journal = createJournal();
    const model = fakeModel("fake", ["a", "b"], { journal });
    await virtualTime(async () => {
      const stream = await fallbackStream([model], "hi");
      const error = assertThrows(() => sseResponse(stream, options as Options));
      assertInstanceOf(error, kind);
      for (const name of named) assertStringIncludes(error.message, name);
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
    const error = assertThrows(
      () => sseResponse(stream as unknown as AsyncIterable<string>),
      TypeError,
      "'stream' must be async iterable",
    );
    const shown = typeof stream === "function"
      ? "a function"
      : JSON.stringify(stream);
    assertStringIncludes(error.message, String(shown));
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
