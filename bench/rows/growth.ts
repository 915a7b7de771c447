// How the cost of one grows with their number: 1 × is linear growth, and the
// garbage collector adds to that. Quadratic growth would be 10 × and more.

import { fallbackStream } from "@fallback/stream";
import { median } from "../_median.ts";
import type { Row } from "./_row.ts";
import { generator } from "./engine.ts";

const WARM_UPS = 10;
const PAIRS = 5;
const BATCHES = 15;

/** Milliseconds for each of `count`. */
async function timeOfEach(
  count: number,
  work: () => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / count;
}

/** The time of each of many, over the time of each of a few. */
async function growth(
  few: number,
  many: number,
  timeOf: (count: number) => Promise<number>,
): Promise<number> {
  for (let i = 0; i < WARM_UPS; i++) await timeOf(few);
  const ratios: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const before = await timeOf(few);
    ratios.push(await timeOf(many) / before);
  }
  return median(ratios);
}

/**
 * How long it takes to open a stream on a signal that others share. The median,
 * because a collection of the garbage takes longer than a batch.
 */
async function timeToOpen(streams: number): Promise<number> {
  const { signal } = new AbortController();
  const open = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await fallbackStream([generator], 2, { signal });
    }
  };
  await open(streams);
  const times: number[] = [];
  for (let i = 0; i < BATCHES; i++) {
    times.push(await timeOfEach(100, () => open(100)));
  }
  return median(times);
}

/** How long each of many `next()` takes that wait at the same time. */
async function timeToRead(count: number): Promise<number> {
  const stream = await fallbackStream([generator], count);
  return await timeOfEach(
    count,
    () => Promise.all(Array.from({ length: count }, () => stream.next())),
  );
}

const silent = () =>
  new ReadableStream<number>({ pull: () => new Promise(() => {}) });

/** How long a hedge takes for each of many models that are silent. */
function timeToHedge(count: number): Promise<number> {
  const models = Array.from({ length: count - 1 }, () => silent);
  return timeOfEach(count, async () => {
    const stream = await fallbackStream(
      [...models, () => generator(1)],
      0,
      { hedge: { afterMs: 0, maxInFlight: count } },
    );
    await stream.return();
  });
}

/** The rows, in the order of the table. */
export const GROWTH_ROWS: readonly Row[] = [
  {
    name:
      "to open a stream on a shared signal, with 100,000 open, over 100 open",
    target: 2,
    unit: "×",
    measure: () => growth(100, 100_000, timeToOpen),
  },
  {
    name: "each of 100,000 concurrent next(), over each of 10,000",
    target: 3,
    unit: "×",
    measure: () => growth(10_000, 100_000, timeToRead),
  },
  {
    name: "each model of a hedge over 1,000 silent models, over each of 10",
    target: 2,
    unit: "×",
    measure: () => growth(10, 1_000, timeToHedge),
  },
];
