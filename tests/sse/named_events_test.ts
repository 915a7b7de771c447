import { fallbackStream } from "@fallback/stream";
import { type SseEnd, sseResponse } from "@fallback/stream/sse";
import { fakeModel } from "@fallback/stream/testing";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { readAll } from "./_client.ts";

Deno.test("the event of a chunk has the name that it was given, or none", async () => {
  const model = fakeModel("a", ["one", "two"]);
  const stream = await fallbackStream([model], "hi");
  const seen = await readAll(sseResponse(stream, {
    event: (chunk) => chunk === "one" ? "first" : undefined,
  }));
  assertEquals(seen.slice(0, 2), [["first", '"one"'], ["message", '"two"']]);
});

Deno.test("a name that would make an event of its own breaks the answer off", async () => {
  for (const name of ["", "\n", "a\n\ndata: b", "a\r", "\ra"]) {
    const ends: SseEnd[] = [];
    const stream = await fallbackStream([fakeModel("a", ["one"])], "hi");
    const seen = await readAll(sseResponse(stream, {
      event: () => name,
      onClose: (end) => ends.push(end),
    }));
    assertEquals(seen.map(([type]) => type), ["error"]);
    assertEquals(ends.map(({ outcome }) => outcome), ["interrupted"]);
    assertInstanceOf(ends[0]!.error, TypeError);
  }
});
