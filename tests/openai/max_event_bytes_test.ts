import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { StreamError } from "@fallback/stream/openai";
import { wire } from "@fallback/stream/testing";
import { packetsFetch } from "./_packets.ts";
import { delta, read, textOf } from "./_http_attempt.ts";

Deno.test("openaiModel() fails on an event longer than maxEventBytes", async () => {
  const long = `data: ${
    JSON.stringify(delta({ content: "é".repeat(300) }))
  }\n\n`;
  const half = `data: ${"x".repeat(700)}`;
  const lines = `data: ${"x".repeat(80)}\n`.repeat(9);
  const cases = [[long], [half], [lines], Array.from(long, (char) => char)];
  for (const packets of cases) {
    const bytes = packets.map((packet) => wire.raw(packet));
    const fetch = packetsFetch(bytes, { end: "hang" });
    const error = await assertRejects(() =>
      read([], { fetch, maxEventBytes: 600 })
    );
    assertInstanceOf(error, StreamError);
    assertMatch(
      error.message,
      /event is longer than 600 bytes \(maxEventBytes\)/,
    );
  }
  const fetch = packetsFetch([wire.raw(long)]);
  assertEquals((await read([], { fetch, maxEventBytes: 700 })).length, 1);
});

Deno.test("openaiModel() reads events of several MiB", async () => {
  const content = "x".repeat(3 * 1024 * 1024);

  assertEquals(textOf(await read([content])).length, content.length);
});

Deno.test("openaiModel() stops reading an endless page or JSON body", async () => {
  for (const [start, limit] of [["<p>", 200], ["{\n", 2000]] as const) {
    let packets = 0;
    const body = new ReadableStream({
      pull(controller) {
        const text = packets++ === 0 ? start : "x".repeat(1023) + "\n";
        controller.enqueue(wire.raw(text));
      },
    }, { highWaterMark: 0 });
    const fetch = () => Promise.resolve(new Response(body));
    const error = await assertRejects(() =>
      read([], { fetch, maxEventBytes: 1024 * 1024 })
    );
    assertInstanceOf(error, StreamError);
    assert(packets < limit, `${packets} packets`);
  }
});

Deno.test("openaiModel() shows the beginning of an endless text in its error", async () => {
  const line = wire.raw("no stream ".repeat(100) + "\n");
  const fetch = packetsFetch(new Array(200).fill(line));

  const error = await assertRejects(() =>
    read([], { fetch, maxEventBytes: 100_000 })
  );

  assertInstanceOf(error, StreamError);
  assertMatch(error.message, /nor a chat completion: no stream no stream/);
});
