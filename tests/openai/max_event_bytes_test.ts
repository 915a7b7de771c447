import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { StreamError } from "@fallback/stream/openai";
import { stub } from "@std/testing/mock";
import { wire } from "@fallback/stream/testing";
import { packetsFetch, splitAt } from "./_packets.ts";
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

Deno.test("openaiModel() takes linear time for a whole completion of several MiB in small packets", async () => {
  const content = "x".repeat(12 * 1024 * 1024);
  const whole = { choices: [{ message: { content }, finish_reason: "stop" }] };
  for (const text of [JSON.stringify(whole), JSON.stringify(whole, null, 1)]) {
    const bytes = wire.raw(text);
    const offsets = Array.from(
      { length: Math.floor(bytes.length / 1400) },
      (_, i) => 1400 * (i + 1),
    );
    // Quadratic time would be a minute and more.
    const fetch = packetsFetch(splitAt(bytes, offsets));
    assertEquals(textOf(await read([], { fetch })).length, content.length);
  }
});

Deno.test("openaiModel() reads what is not longer than maxEventBytes", async () => {
  const data = JSON.stringify(delta({ content: "x☃" }));
  const { length } = wire.raw(data);
  const line = `data: ${data}`;
  const chars = line.length;
  const noise = "no field\n".repeat(100);
  const cases: [maxEventBytes: number, packets: string[], ok: boolean][] = [
    [length, [`${line}\n\n`], true],
    [length - 1, [`${line}\n\n`], false],
    [chars, [line, "\n\n"], true],
    [chars - 1, [line, "\n\n"], false],
    [chars, ["data: {}", "\n\n", line, "\n\n"], true],
    [chars, [`${line}\n\n`, noise, `${line}\n\n`], true],
  ];
  for (const [maxEventBytes, packets, ok] of cases) {
    const fetch = packetsFetch(packets.map((packet) => wire.raw(packet)));
    const isRead = await read([], { fetch, maxEventBytes })
      .then(() => true, () => false);
    assertEquals(isRead, ok, `${maxEventBytes}: ${packets.join("|")}`);
  }
});

Deno.test("openaiModel() limits events to 16 MiB by default", async () => {
  const long = wire.raw(`data: ${"x".repeat(18 * 1024 * 1024)}`);

  const error = await assertRejects(() =>
    read([], { fetch: packetsFetch([long]) })
  );

  assertEquals(
    (error as Error).message,
    "Cannot read the stream as an event is longer than 16777216 bytes (maxEventBytes)",
  );
});

Deno.test("openaiModel() stops reading an endless page or JSON body", async () => {
  // Lines of 1024 characters up to the limit, and one character more.
  for (const [start, lines] of [["<", 64], ["{", 128]] as const) {
    let packets = 0;
    const body = new ReadableStream({
      pull(controller) {
        const line = (packets === 0 ? start : "x").padEnd(1023, "x") + "\n";
        controller.enqueue(wire.raw(packets++ < lines ? line : "x"));
      },
    }, { highWaterMark: 0 });
    const fetch = () => Promise.resolve(new Response(body));
    const error = await assertRejects(() =>
      read([], { fetch, maxEventBytes: 128 * 1024 })
    );
    assertInstanceOf(error, StreamError);
    assertEquals(packets, lines + 1);
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

Deno.test("openaiModel() parses nothing for blank lines and comments, of which there may be many", async () => {
  for (const line of ["\n", "\r\n", ":\n\n"]) {
    using parse = stub(JSON, "parse", JSON.parse);
    const chunks = await read([wire.raw(line.repeat(1000)), "Hi"]);
    assertEquals(textOf(chunks), "Hi");
    assertLess(parse.calls.length, 10);
  }
});
