// What a health store adds to a call that answers.

import { fallbackStream, type HealthStore } from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { median } from "../_median.ts";
import type { Row } from "./_row.ts";

const CALLS = 20_000;
const PAIRS = 15;

async function* answer(): AsyncGenerator<number> {
  yield 1;
  yield 2;
}

/** Microseconds of a call. */
async function timeOfCall(health?: HealthStore): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) {
    const stream = await fallbackStream([answer], 0, { health });
    for await (const _ of stream);
  }
  return (performance.now() - start) / CALLS * 1000;
}

/** The median of what a store adds, in microseconds. */
async function addedBy(health: HealthStore): Promise<number> {
  const added: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const without = await timeOfCall();
    added.push(await timeOfCall(health) - without);
  }
  return median(added);
}

/** The rows, in the order of the table. */
export const HEALTH_ROWS: readonly Row[] = [
  {
    name: "what memoryHealth() adds to a call",
    target: 1,
    unit: "µs",
    measure: () => addedBy(memoryHealth()),
  },
  {
    name: "what kvHealth() adds to a call, with a warm cache",
    target: 2,
    unit: "µs",
    async measure() {
      using kv = await Deno.openKv(":memory:");
      return await addedBy(kvHealth(kv));
    },
  },
];
