// Whatever a chunk holds, the client gets just that, as one event: nobody can
// end an event from within, nor begin another.

import { type SseEnd, sseResponse } from "@fallback/stream/sse";
import { fakeModel, virtualTime } from "@fallback/stream/testing";
import { fallbackStream } from "@fallback/stream";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { answer, parse, readAll } from "./_client.ts";

/** What a parser of events may stumble over. */
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

/** A text as bytes can carry it and as an event's data has its lines. */
const sent = (text: string) => text.replace(/\r\n?/g, "\n").toWellFormed();

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** The same bytes in pieces of these sizes. */
function cut(bytes: Uint8Array, sizes: Iterator<number>): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + sizes.next().value!;
    pieces.push(bytes.subarray(at, at += size));
  }
  return pieces;
}

Deno.test({
  name: "any text that encode gives arrives as the data of one event",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.asyncProperty(
        texts,
        fc.infiniteStream(fc.nat(40)),
        async (texts, sizes) => {
          const response = sseResponse(each(texts), { encode: (text) => text });
          assertEquals(parse(cut(await response.bytes(), sizes)), [
            ...texts.map((text) => ["message", sent(text)] as const),
            ["done", '{"attempts":[]}'],
          ]);
        },
      ),
      { numRuns: 1000 },
    ),
});

Deno.test({
  name: "by default any JSON arrives as it was, also with halves of characters",
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

Deno.test("an event is one chunk of the body, and the last one says what was tried", async () => {
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

Deno.test("encode is called as a method of the options, once a chunk and in order", async () => {
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
  name: "an event has the name that is given, or the answer ends with an error",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.asyncProperty(texts, async (names) => {
        const ends: SseEnd[] = [];
        const seen = await readAll(sseResponse(each(names), {
          event: (name) => name,
          onClose: (end) => ends.push(end),
        }));
        // A name on no line, or on several, would be another event.
        const bad = names.findIndex((name) => /^$|[\r\n]/.test(name));
        const good = bad < 0 ? names : names.slice(0, bad);
        assertEquals(
          seen.slice(0, -1),
          good.map((name) => [name.toWellFormed(), JSON.stringify(name)]),
        );
        assertEquals(seen.at(-1)?.[0], bad < 0 ? "done" : "error");
        assertEquals(ends.length, 1);
        assertEquals(ends[0]!.error instanceof TypeError, bad >= 0);
      }),
      { numRuns: 500 },
    ),
});

Deno.test("event is called as a method of the options; without a name an event is a message", async () => {
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

/** What JSON has no words for. */
const unspeakable: Record<string, unknown> = {
  "a BigInt": 1n,
  "a cycle": cycle,
  "a toJSON that throws": { toJSON: throws },
  "undefined": undefined,
  "a function": throws,
  "a symbol": Symbol("sk-secret"),
  "a toJSON that gives nothing": { toJSON() {} },
};

for (const [what, chunk] of Object.entries(unspeakable)) {
  Deno.test(`a chunk that JSON cannot take ends the answer with a safe error: ${what}`, async () => {
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
    journal.assertClean();
  });
}

/** What an encode may do that gives no text. */
const encodes: Record<string, () => unknown> = {
  "throws": throws,
  "gives what cannot be text": () => ({ toString: throws }),
  "gives what has no prototype": () => Object.create(null),
};

for (const [what, encode] of Object.entries(encodes)) {
  Deno.test(`an encode that ${what} closes the stream; the client gets a safe error`, async () => {
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
