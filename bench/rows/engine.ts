// What a chunk, a call and an open stream cost. These rows are cheap to measure.

import { type FallbackOptions, fallbackStream } from "@fallback/stream";
import type { Row } from "./_row.ts";

declare const gc: () => void;

const CHUNKS = 100_000;
const CALLS = 10_000;
const STREAMS = 10_000;
const HOUR = 3_600_000;

/** A model's stream of `count` numbers. */
export async function* generator(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

function readable(count: number): ReadableStream<number> {
  let i = 0;
  return new ReadableStream({
    pull(controller) {
      if (i < count) controller.enqueue(i++);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

async function drain(chunks: AsyncIterable<number>): Promise<void> {
  let last = -1;
  for await (const chunk of chunks) {
    if (chunk !== ++last) throw new Error(`chunk ${chunk} after ${last - 1}`);
  }
}

const everything: FallbackOptions<number, number> = {
  signal: new AbortController().signal,
  isFinal: () => true,
  onEvent: () => {},
  timeouts: {
    openMs: HOUR,
    firstContentMs: HOUR,
    idleMs: HOUR,
    totalMs: HOUR,
    closeMs: HOUR,
  },
};

const refused = new Error("refused");
const refusing = (): AsyncGenerator<number> => {
  throw refused;
};
const answering = () => generator(2);

type Models = readonly (() => AsyncGenerator<number>)[];

async function calls(
  open: (models: Models) => Promise<AsyncIterable<number>>,
): Promise<void> {
  for (let i = 0; i < CALLS; i++) {
    await drain(await open([refusing, answering]));
  }
}

/** The obvious loop, which closes nothing and has no timeouts. */
async function naiveLoop(models: Models): Promise<AsyncIterable<number>> {
  for (const model of models) {
    try {
      const stream = model();
      const first = await stream.next();
      return async function* () {
        if (!first.done) yield first.value;
        yield* stream;
      }();
    } catch {
      continue;
    }
  }
  throw new Error("all failed");
}

/** Bytes of heap for each of the things that `open` makes. */
async function bytesOf(open: () => Promise<unknown>): Promise<number> {
  const things: unknown[] = [];
  gc();
  const before = Deno.memoryUsage().heapUsed;
  for (let i = 0; i < STREAMS; i++) things.push(await open());
  gc();
  return (Deno.memoryUsage().heapUsed - before) / things.length;
}

async function openedSource(): Promise<AsyncGenerator<number>> {
  const source = generator(2);
  await source.next();
  return source;
}

async function bytesBeyondSource(
  options?: FallbackOptions<number, number>,
): Promise<number> {
  const source = await bytesOf(openedSource);
  return await bytesOf(() => fallbackStream([generator], 2, options)) - source;
}

/** The rows, in the order of the table. */
export const ENGINE_ROWS: readonly Row[] = [
  {
    name: "a chunk of a generator, over reading it directly",
    target: 1.9,
    ours: async () => await drain(await fallbackStream([generator], CHUNKS)),
    reference: () => drain(generator(CHUNKS)),
  },
  {
    name: "a chunk of a generator with every option, over reading it directly",
    target: 2.55,
    ours: async () =>
      await drain(await fallbackStream([generator], CHUNKS, everything)),
    reference: () => drain(generator(CHUNKS)),
  },
  {
    name: "a chunk of a ReadableStream, over reading it directly",
    target: 1.05,
    ours: async () => await drain(await fallbackStream([readable], CHUNKS)),
    reference: () => drain(readable(CHUNKS)),
  },
  {
    name: "a call whose first model refuses, over the naive loop",
    target: 2.4,
    ours: () => calls((models) => fallbackStream(models, 0)),
    reference: () => calls(naiveLoop),
  },
  {
    name: "an open stream beyond its source",
    target: 2_500,
    unit: "bytes",
    measure: () => bytesBeyondSource(),
  },
  {
    name: "an open stream with every option beyond its source",
    target: 4_250,
    unit: "bytes",
    measure: () => bytesBeyondSource(everything),
  },
];
