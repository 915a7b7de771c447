import { assertEquals } from "@std/assert";
import { readText } from "../../src/openai/_read_text.ts";

const encoder = new TextEncoder();

Deno.test("readText() keeps at most the given number of bytes, and reads no further", async () => {
  const cases: [packets: string[], text: string, read: number][] = [
    [[], "", 0],
    [["abc"], "abc", 1],
    [["abc", "d", "e"], "abcd", 2],
    [["abcd", "e"], "abcd", 1],
    [["abcde", "f"], "abcd", 1],
    [["a☃", "b"], "a☃", 1],
  ];
  for (const [packets, expected, read] of cases) {
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at === packets.length) controller.close();
        else controller.enqueue(encoder.encode(packets[at++]));
      },
    }, { highWaterMark: 0 });
    assertEquals([await readText(body, 4, 1000), at], [expected, read]);
  }
  assertEquals(await readText(null, 4, 1000), "");
});

Deno.test("readText() decodes a character in two packets", async () => {
  const [start, ...rest] = encoder.encode("☃");
  const body = ReadableStream.from([
    Uint8Array.of(start!),
    Uint8Array.from(rest),
  ]);

  assertEquals(await readText(body, 9, 1000), "☃");
});

Deno.test("readText() has closed the body when it resolves", async () => {
  const steps: string[] = [];
  const closing = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode("abcd")),
    async cancel() {
      steps.push("closing");
      await closing.promise;
      steps.push("closed");
    },
  });
  const done = readText(body, 4, 1000).then(() => steps.push("resolved"));
  while (steps.length === 0) await Promise.resolve();

  closing.resolve();
  await done;

  assertEquals(steps, ["closing", "closed", "resolved"]);
});
