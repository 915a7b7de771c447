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
    ": comment",
    "id: 1",
    "",
    "",
  );
  const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
  const text = fc.tuple(
    fc.array(line, { maxLength: 12 }),
    lineEnd,
  ).map(([lines, end]) => lines.join(end) + end);
  fc.assert(
    fc.property(
      text,
      fc.array(fc.nat(80), { maxLength: 4 }),
      (text, offsets) => {
        const edges = [0, ...offsets.sort((a, b) => a - b), text.length];
        const packets = edges.slice(1).map((end, i) =>
          text.slice(edges[i], end)
        );
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
