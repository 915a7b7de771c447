// The client gets each chunk as one event, whatever it contains: a chunk cannot end
// its event or start another.

import { type SseEnd, sseResponse } from "@fallback/stream/sse";
import { fakeModel, virtualTime } from "@fallback/stream/testing";
import { fallbackStream } from "@fallback/stream";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { answer, parse, readAll } from "./_client.ts";

/** Texts that are special in event streams. */
const PITFALLS = [
  ...["", " ", ":", "\0", "\r", "\n", "\r\n", "\n\n", "\r\r", "\n\r", "\v"],
  ...["\ufeff", "\u0085", "\u2028", "\u2029", "\ud800", "\udc00", "☃", "🦉"],
  ...["data: x", "data", "event: done", "id: 1", "retry: 1", ": hi", "[DONE]"],
];
const utf16 = fc.nat(0xffff).map((unit) => String.fromCharCode(unit));
const texts = fc.array(
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...PITFALLS) },
      fc.string({ unit: "binary" }),
      utf16,
    ),
    { maxLength: 8 },
  ).map((parts) => parts.join("")),
  { maxLength: 6 },
);

/** A text as a client receives it: well-formed UTF-16, with "\n" as line ends. */
const received = (text: string) => text.replace(/\r\n?/g, "\n").toWellFormed();

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** Splits bytes into pieces of these sizes. */
function splitBytes(bytes: Uint8Array, sizes: Iterator<number>): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + sizes.next().value!;
    pieces.push(bytes.subarray(at, at += size));
  }
  return pieces;
}

Deno.test({
  name: "sseResponse() sends any text of encode as the data of one event",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.asyncProperty(
        texts,
        fc.infiniteStream(fc.nat(40)),
        async (texts, sizes) => {
          const response = sseResponse(each(texts), { encode: (text) => text });
          assertEquals(parse(splitBytes(await response.bytes(), sizes)), [
            ...texts.map((text) => ["message", received(text)] as const),
            ["done", '{"attempts":[]}'],
          ]);
        },
      ),
      { numRuns: 1000 },
    ),
});

Deno.test({
  name:
    "sseResponse() sends any JSON value unchanged, including lone surrogates",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.jsonValue(), texts)),
        async (chunks) => {
          const seen = await readAll(sseResponse(each(chunks)));
          assertEquals(seen.pop()?.[0], "done");
          assertEquals(
            seen.map(([type, data]) => [type, JSON.parse(data)]),
            chunks.map((chunk) => ["message", chunk]),
          );
          assert(seen.every(([, data]) => !data.includes("\n")));
        },
      ),
      { numRuns: 300 },
    ),
});

Deno.test("sseResponse() sends each event as one chunk of the body, and the attempts in the last", async () => {
  const model = fakeModel("fake", ["Hel", "lo"]);
  const stream = await virtualTime(() => fallbackStream([model], "hi"));
  const { body, status, headers } = sseResponse(stream);
  const decoder = new TextDecoder();
  const bodies = (await Array.fromAsync(body!)).map((bytes) =>
    decoder.decode(bytes)
  );
  const attempt = stream.attempts[0]!;
  const { startedAt, firstContentAt, endedAt } = attempt;
  const summary = {
    model: "fake",
    outcome: "completed",
    startedAt,
    firstContentAt,
    endedAt,
    chunks: 2,
  };
  assertEquals(bodies, [
    'data: "Hel"\n\n',
    'data: "lo"\n\n',
    `event: done\ndata: ${JSON.stringify({ attempts: [summary] })}\n\n`,
  ]);
  assertEquals(status, 200);
  assertEquals(Object.fromEntries(headers), {
    "cache-control": "no-cache, no-transform",
    "content-type": "text/event-stream",
    "x-accel-buffering": "no",
  });
});

Deno.test("sseResponse() calls encode as a method of the options, once per chunk and in order", async () => {
  class Options {
    readonly #seen: string[] = [];
    encode(chunk: string): string {
      this.#seen.push(chunk);
      return this.#seen.join("+");
    }
  }
  const response = sseResponse(each(["a", "b", "c"]), new Options());
  assertEquals((await readAll(response)).slice(0, -1), [
    ["message", "a"],
    ["message", "a+b"],
    ["message", "a+b+c"],
  ]);
});

Deno.test({
  name:
    "sseResponse() sends events with the name of event(), and an error event for an invalid name",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.asyncProperty(texts, async (names) => {
        const ends: SseEnd[] = [];
        const seen = await readAll(sseResponse(each(names), {
          event: (name) => name,
          onClose: (end) => ends.push(end),
        }));
        // An empty name, or one with line breaks, would change the event.
        const bad = names.findIndex((name) => /^$|[\r\n]/.test(name));
        const good = bad < 0 ? names : names.slice(0, bad);
        assertEquals(
          seen.slice(0, -1),
          good.map((name) => [name.toWellFormed(), JSON.stringify(name)]),
        );
        assertEquals(seen.at(-1)?.[0], bad < 0 ? "done" : "error");
        assertEquals(ends.length, 1);
        const error = ends[0]!.error as TypeError | undefined;
        assertEquals(
          error?.message.replace(/(?<= is ).+/, ""),
          bad < 0
            ? undefined
            : "'options.event' must return a single line: current value is ",
        );
      }),
      { numRuns: 500 },
    ),
});

Deno.test("sseResponse() calls event as a method of the options, and undefined gives a message event", async () => {
  class Options {
    readonly #named = "b";
    event(chunk: string): string | undefined {
      return chunk === this.#named ? "attempt" : undefined;
    }
  }
  const seen = await readAll(sseResponse(each(["a", "b"]), new Options()));
  assertEquals(seen.slice(0, -1), [["message", '"a"'], ["attempt", '"b"']]);
});

const cycle: Record<string, unknown> = {};
cycle["self"] = cycle;
const wrong = new Error("sk-secret");
const throws = () => {
  throw wrong;
};

/** Values that JSON cannot encode. */
const notJson: Record<string, unknown> = {
  "a BigInt": 1n,
  "a cycle": cycle,
  "a toJSON that throws": { toJSON: throws },
  "undefined": undefined,
  "a function": throws,
  "a symbol": Symbol("sk-secret"),
  "a toJSON that returns undefined": { toJSON() {} },
};

for (const [what, chunk] of Object.entries(notJson)) {
  Deno.test(`sseResponse() sends an error event without details for a chunk that JSON cannot encode: ${what}`, async () => {
    const { journal, ends } = await virtualTime(async () => {
      const it = await answer(["a", chunk, "never"]);
      const [first, second, ...more] = await readAll(it.response);
      assertEquals(first, ["message", '"a"']);
      assertEquals(second?.[0], "error");
      assertEquals(second?.[1].includes("sk-secret"), false);
      assertEquals(more, []);
      return it;
    });
    assertEquals(ends.map(({ outcome }) => outcome), ["interrupted"]);
    assertInstanceOf(ends[0]!.error, Error);
    if (what.includes("undefined")) {
      assertEquals(
        ends[0]!.error.message,
        "'options.encode' must return a string: current value is undefined",
      );
    }
    journal.assertClean();
  });
}

/** Encoders that do not return a text. */
const encodes: Record<string, () => unknown> = {
  "throws": throws,
  "returns an object whose toString throws": () => ({ toString: throws }),
  "returns an object without a prototype": () => Object.create(null),
};

for (const [what, encode] of Object.entries(encodes)) {
  Deno.test(`sseResponse() closes the stream, and sends an error event without details, when encode ${what}`, async () => {
    const { journal, ends } = await virtualTime(async () => {
      const it = await answer(["a", "b"], { encode: encode as () => string });
      const seen = await readAll(it.response);
      assertEquals(seen.map(([type]) => type), ["error"]);
      assertEquals(JSON.stringify(seen).includes("sk-secret"), false);
      return it;
    });
    const [end] = ends as [SseEnd];
    assertEquals([ends.length, end.outcome], [1, "interrupted"]);
    if (what === "throws") assertEquals(end.error, wrong);
    journal.assertClean();
  });
}
