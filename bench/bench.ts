// The costs, side by side in one run: `deno task bench`. Absolute times are
// noise on a shared machine; what counts is the ratio of two measurements that
// take turns, of which the median is printed.

import {
  type FallbackListener,
  fallbackStream,
  type HealthStore,
} from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { instrument } from "@fallback/stream/otel";
import { bundledSize } from "../tools/_bundled_size.ts";

const CHUNKS = 200_000;
const CALLS = 40_000;
const SHORT_CALLS = 200;
const STREAMS = 10_000;
const ROUNDS = 15;

declare const gc: () => void;

async function* generator(count: number): AsyncGenerator<number> {
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

/** Nanoseconds for each of `count` in one run of `work`. */
async function cost(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / count * 1e6;
}

const median = (numbers: number[]) =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

function print(what: string, figure: string, target: string): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(22)}   target ${target}`);
}

/** Times two things in turns and prints how much dearer the first is. */
async function compare(
  what: string,
  target: string,
  ours: () => Promise<void>,
  raw: () => Promise<void>,
  rounds = ROUNDS,
): Promise<void> {
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const rawCost = await cost(CHUNKS, raw);
    const ratio = await cost(CHUNKS, ours) / rawCost;
    if (round >= rounds / 5) ratios.push(ratio);
  }
  const sorted = ratios.toSorted((a, b) => a - b);
  // Of many rounds on a shared machine a few say nothing.
  const tail = sorted.length >> 4;
  const [low, high] = [sorted.at(tail)!, sorted.at(-1 - tail)!];
  const range = `(${low.toFixed(2)}–${high.toFixed(2)})`;
  print(what, `${median(ratios).toFixed(2)} × ${range}`, target);
}

await compare(
  "a chunk, async generator, over iterating it directly",
  "≤ 1.7 ×",
  async () => await drain(await fallbackStream([generator], CHUNKS)),
  async () => await drain(generator(CHUNKS)),
);
await compare(
  "the same with idleMs, isFinal and onEvent",
  "≤ 2.4 ×",
  async () =>
    await drain(
      await fallbackStream([generator], CHUNKS, {
        timeouts: { idleMs: 60_000 },
        isFinal: (chunk) => chunk === CHUNKS - 1,
        onEvent: () => {},
      }),
    ),
  async () => await drain(generator(CHUNKS)),
);
await compare(
  "a chunk, ReadableStream, over iterating it directly",
  "≤ 1.0 ×",
  async () => await drain(await fallbackStream([readable], CHUNKS)),
  async () => await drain(readable(CHUNKS)),
);

/** Calls of 100 chunks. */
async function shortCalls(onEvent?: FallbackListener): Promise<void> {
  for (let i = 0; i < SHORT_CALLS; i++) {
    await drain(await fallbackStream([generator], 100, { onEvent }));
  }
}
const unheard = instrument();
await compare(
  "a call of 100 chunks with instrument() and no SDK",
  "≤ 1.02 ×",
  () => shortCalls(unheard),
  () => shortCalls(),
  // Little is to be seen: many turns that are short, for the machine to be the
  // same in both.
  500,
);

/** A first model that refuses and a second that answers, to its end. */
async function calls(
  open: (models: (() => AsyncGenerator<number>)[]) => Promise<
    AsyncIterable<number>
  >,
): Promise<void> {
  const refused = new Error("refused");
  const models = [
    (): AsyncGenerator<number> => {
      throw refused;
    },
    () => generator(2),
  ];
  for (let i = 0; i < CALLS; i++) await drain(await open(models));
}

/** What anybody would write, and what is wrong: nothing is closed or bounded. */
async function naive(
  models: (() => AsyncGenerator<number>)[],
): Promise<AsyncIterable<number>> {
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

const fallbacks: number[] = [];
const naives: number[] = [];
for (let round = 0; round < 8; round++) {
  naives.push(await cost(CALLS, () => calls(naive)));
  fallbacks.push(
    await cost(CALLS, () => calls((models) => fallbackStream(models, 0))),
  );
}
const micros = (costs: number[]) => (median(costs.slice(1)) / 1e3).toFixed(1);
print(
  "a call that falls back once (the naive loop beside it)",
  `${micros(fallbacks)} µs (${micros(naives)} µs)`,
  "≤ 13 µs",
);

using kv = await Deno.openKv(":memory:");
for (
  const [name, target, health] of [
    ["memoryHealth", "≤ 1 µs", memoryHealth()],
    ["kvHealth with a warm cache", "≤ 2 µs", kvHealth(kv)],
  ] as const
) {
  const answer = async (health?: HealthStore) => {
    for (let i = 0; i < CALLS; i++) {
      await drain(await fallbackStream([generator], 2, { health }));
    }
  };
  const added: number[] = [];
  for (let round = 0; round < 8; round++) {
    const without = await cost(CALLS, answer);
    added.push(await cost(CALLS, () => answer(health)) - without);
  }
  print(`what ${name} adds to a call`, `${micros(added)} µs`, target);
}

/** Bytes of heap for each of the things that `make` opens and holds. */
async function held(make: () => Promise<unknown>): Promise<number> {
  const things: unknown[] = [];
  gc();
  const before = Deno.memoryUsage().heapUsed;
  for (let i = 0; i < STREAMS; i++) things.push(await make());
  gc();
  const bytes = (Deno.memoryUsage().heapUsed - before) / things.length;
  things.length = 0;
  return bytes;
}

async function opened(): Promise<AsyncGenerator<number>> {
  const source = generator(2);
  await source.next();
  return source;
}
const source = await held(opened);
const stream = await held(() => fallbackStream([generator], 2));
print(
  `each of ${STREAMS.toLocaleString("en")} open streams beyond its source`,
  `${((stream - source) / 1024).toFixed(2)} KiB`,
  "≤ 4 KiB",
);

print(
  "the root module, minified and gzipped",
  `${(await bundledSize("mod.ts") / 1024).toFixed(2)} KiB`,
  "≤ 6 KiB",
);
