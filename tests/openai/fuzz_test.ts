import { assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import { createParser } from "eventsource-parser";
import { EventParser } from "../../src/openai/_event_parser.ts";
import { fuzz } from "./_fuzz.ts";

Deno.test("openaiModel() reads random answers without a hang, and takes none without an end marker for complete", async () => {
  const counts = await fuzz(3000);

  for (const outcome of ["complete", "StreamError", "TruncatedStreamError"]) {
    assertGreater(counts[outcome] ?? 0, 20, JSON.stringify(counts));
  }
});

Deno.test("EventParser finds the events that eventsource-parser finds", () => {
  const line = fc.constantFrom(
    "data: a",
    "data:b",
    "data:  c",
    "event: e",
    "event:f",
    ": comment",
    "id: 1",
    "",
    "",
  );
  const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
  const text = fc.array(fc.tuple(line, lineEnd), { maxLength: 12 })
    .map((lines) => lines.flat().join(""));
  fc.assert(
    fc.property(
      text,
      fc.array(fc.nat(80), { maxLength: 4 }),
      (text, offsets) => {
        const edges = [0, ...offsets.sort((a, b) => a - b), text.length];
        // Without offsets, each character is a packet.
        const packets = offsets.length === 0
          ? Array.from(text)
          : edges.slice(1).map((end, i) => text.slice(edges[i], end));
        const expected: unknown[] = [];
        const reference = createParser({
          onEvent: ({ data, event }) => expected.push([data, event ?? ""]),
        });
        const found: unknown[] = [];
        const parser = new EventParser({
          // The standard ignores events without data.
          onEvent: (data, name) => data === "" || found.push([data, name]),
          onLine: () => {},
        });
        for (const packet of packets) {
          reference.feed(packet);
          parser.feed(packet);
        }
        assertEquals(found, expected);
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("EventParser holds what has arrived of a line and of an event", () => {
  const events: unknown[] = [];
  const parser = new EventParser({
    onEvent: (...event) => events.push(event),
    onLine: (line) => events.push(line),
  });
  const held = (...texts: string[]) => {
    for (const text of texts) parser.feed(text);
    return [parser.unfinishedStart, parser.unfinishedLine, parser.heldLength];
  };

  assertEquals(held(), ["", "", 0]);
  assertEquals(held("a\n", "b", "c"), ["b", "bc", 2]);
  assertEquals(held("d\ndata: ef\ng"), ["g", "g", 3]);
  assertEquals(held("\r", "", "\ndata: h\r"), ["", "", 4]);
  assertEquals(held("", "\n\r", "i"), ["i", "i", 1]);
  parser.end();
  assertEquals(held(), ["", "", 0]);
  assertEquals(events, ["a", "bcd", "g", ["ef\nh", ""], "i", ["", ""]]);
});
