// Random bodies for the parser: mutations of valid streams, and random bytes.

import { concat } from "@std/bytes/concat";
import fc from "fast-check";
import { fallbackStream } from "@fallback/stream";
import { openaiModel } from "@fallback/stream/openai";
import { packetsFetch, splitAt } from "./_packets.ts";
import { dialects } from "./dialects.ts";

const bodies = dialects.filter(({ end }) => end !== "hang")
  .map(({ body }) => new TextEncoder().encode(body));

/** Bytes that are special for a parser. */
const special = fc.constantFrom(
  ...Array.from('\n\r:{}[]",\\ 0e<', (text) => text.charCodeAt(0)),
  0,
  0xe2,
  0xff,
);

const fragment = fc.constantFrom(
  "data: [DONE]\n\n",
  'data: {"choices":[{"delta":{"content":"x"}}]}\n\n',
  'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
  'data: {"choices":[{"index":1,"delta":{"content":"y"}}]}\n\n',
  'data: {"choices":[null,7,{"delta":null}]}\n\n',
  'data: {"choices":{"delta":{"content":["x"]}}}\n\n',
  'data: {"error":{"message":"e","code":429}}\n\n',
  '{"error":[]}\n',
  "event: error\n",
  "data: \n",
  "\n\n",
  ": c\n",
  "<p>\n",
).map((text) => new TextEncoder().encode(text));

/** One change of a body. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(12),
  insert: fc.oneof(
    fc.array(special, { maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
    fc.uint8Array({ maxLength: 4 }),
    fragment,
  ),
});

const mutated = fc.tuple(
  fc.constantFrom(...bodies),
  fc.array(mutation, { maxLength: 4 }),
).map(([body, mutations]) =>
  mutations.reduce<Uint8Array>((bytes, { at, remove, insert }) => {
    const start = Math.floor(at * bytes.length);
    return concat([
      bytes.subarray(0, start),
      insert,
      bytes.subarray(start + remove),
    ]);
  }, body)
);

/** A body in packets, and how it ends. */
export const answers = fc.record({
  body: fc.oneof(
    { weight: 6, arbitrary: mutated },
    {
      weight: 2,
      arbitrary: fc.array(fragment, { maxLength: 8 }).map((all) => concat(all)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  ),
  offsets: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
    maxLength: 5,
  }),
  end: fc.constantFrom("eof" as const, "break" as const),
});

/** Whether the bytes contain an end marker of any kind. */
function marksCompletion(body: Uint8Array): boolean {
  const text = new TextDecoder().decode(body);
  return /\[DONE\]|finish_reason|message|chat\.completion"/i.test(text);
}

/** Errors that a reader of chunks may expect. */
const EXPECTED: ReadonlySet<string> = new Set([
  "StreamError",
  "EmptyStreamError",
  "TruncatedStreamError",
  "TypeError: reset",
]);

/**
 * Reads one random answer.
 *
 * @throws If it is taken for complete without an end marker, or fails with an
 * unexpected error.
 */
export async function readAnswer(
  { body, offsets, end }: {
    body: Uint8Array;
    offsets: readonly number[];
    end: "eof" | "break";
  },
): Promise<string> {
  const positions = offsets.map((offset) => Math.floor(offset * body.length))
    .sort((a, b) => a - b);
  const model = openaiModel({
    model: "m",
    fetch: packetsFetch(splitAt(body, positions), { end }),
  });
  let isFinal = false;
  try {
    await using stream = await fallbackStream([model], { messages: [] }, {
      fallbackOn: () => false,
    });
    for await (const chunk of stream) {
      if (!Array.isArray(chunk.choices)) throw new Error("no choices");
      if (model.isFinal(chunk)) isFinal = true;
    }
  } catch (error) {
    const { name, message } = error as Error;
    const isKnown = EXPECTED.has(name) || EXPECTED.has(`${name}: ${message}`);
    if (!isKnown) throw error;
    return name;
  }
  if (!isFinal || !marksCompletion(body)) {
    throw new Error("complete without an end marker");
  }
  return "complete";
}

/** Reads many random answers, and returns the number of each outcome. */
export async function fuzz(
  runs: number,
  seed?: number,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(answers, async (answer) => {
      const outcome = await readAnswer(answer);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }),
    { numRuns: runs, ...(seed !== undefined && { seed }) },
  );
  return counts;
}

// A longer run: deno run -A tools/deno.ts run -A tests/openai/_fuzz.ts 1000000
if (import.meta.main) {
  const runs = Number(Deno.args[0] ?? 100_000);
  const start = performance.now();
  const counts = await fuzz(runs);
  const seconds = (performance.now() - start) / 1000;
  console.log(`${runs} answers in ${seconds.toFixed(0)} s`, counts);
}
