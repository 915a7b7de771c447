import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { fallbackStream } from "@fallback/stream";
import { openaiModel, type StreamError } from "@fallback/stream/openai";
import { packetsFetch, splitAt } from "./_packets.ts";
import { type Dialect, dialects } from "./dialects.ts";

/** Ways to split a body into packets. */
function* splitsOf(bytes: Uint8Array): Generator<Uint8Array[]> {
  const all = (size: number) =>
    splitAt(
      bytes,
      Array.from(
        { length: Math.max(0, Math.ceil(bytes.length / size) - 1) },
        (_, i) => (i + 1) * size,
      ),
    );
  yield [bytes];
  yield all(1);
  yield all(3);
  const events = eventEnds(bytes);
  yield splitAt(bytes, events);
  yield splitAt(bytes, events.filter((_, i) => i % 2 === 1));
  // At every offset: within line ends, field names and characters.
  for (let at = 1; at < bytes.length; at++) yield splitAt(bytes, [at]);
}

function eventEnds(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  bytes.forEach((byte, at) => {
    if (byte === 10 && bytes[at - 1] === 10) ends.push(at + 1);
  });
  return ends;
}

/** What a row says of an answer. */
type Reading = Partial<
  Record<"outcome" | "text" | "status" | "message" | "tokens", unknown>
>;

async function readDialect(
  { end, contentType, n = 1 }: Dialect,
  packets: Uint8Array[],
): Promise<Reading> {
  const model = openaiModel({
    model: "m",
    fetch: packetsFetch(packets, { end, contentType }),
  });
  let text = "";
  try {
    const request = { messages: [], n };
    await using stream = await fallbackStream([model], request, {
      fallbackOn: () => false,
    });
    const { attempts } = stream;
    for await (const { choices } of stream) {
      for (const { index, delta } of choices) {
        const { content } = delta ?? {};
        if (!index && typeof content === "string") text += content;
      }
    }
    const tokens = attempts[0]?.usage?.totalTokens;
    return { outcome: "complete", text, tokens };
  } catch (error) {
    const { name, message, status } = error as StreamError;
    return { outcome: name, text, message, status };
  }
}

const readingOf = (
  { outcome, text, status, message, tokens }: Reading,
): Reading => ({ outcome, text, status, message, tokens });

/** Reads a row in all splits, and compares the results. */
async function checkAllSplits(dialect: Dialect): Promise<void> {
  const bytes = new TextEncoder().encode(dialect.body);
  for (const packets of splitsOf(bytes)) {
    const sizes = packets.map((packet) => packet.length).slice(0, 4);
    assertEquals(
      readingOf(await readDialect(dialect, packets)),
      readingOf(dialect),
      `packets of ${sizes} bytes`,
    );
  }
}

/** Uses fake time, because the model waits for more data. */
async function checkInFakeTime(dialect: Dialect): Promise<void> {
  using time = new FakeTime();
  const done = checkAllSplits(dialect);
  let isDone = false;
  done.finally(() => isDone = true).catch(() => {});
  while (!isDone) {
    await time.runMicrotasks();
    time.next();
  }
  await done;
}

for (const dialect of dialects) {
  Deno.test(`openaiModel() reads ${dialect.name}`, async () => {
    await (dialect.end === "hang" ? checkInFakeTime : checkAllSplits)(
      dialect,
    );
  });
}

Deno.test("every dialect has a unique name", () => {
  assertEquals(new Set(dialects.map(({ name }) => name)).size, dialects.length);
});
