// The cost of learned times: a sample through the listener, a query, and the
// memory of a model. `deno task bench:latency`

import type { Attempt, FallbackEvent } from "@fallback/stream";
import { trackLatency } from "@fallback/stream/latency";
import { random } from "./_random.ts";
import { table } from "./_table.ts";

declare const gc: () => void;

const ROUNDS = 15;
const BATCH = 20_000;
const MODELS = ["a", "b", "c"];
const TRACKERS = 40;
const MODELS_PER_TRACKER = 256;
const BOUNDS = { min: 100, max: 120_000, initial: 5_000 };

const draw = random(1);
let now = Date.now();

/** An event as a call emits it, of an attempt that answered or lost. */
function makeEvent(
  model: string,
  type: "started" | "committed" | "lost",
): FallbackEvent {
  const startedAt = now += 2_000;
  const at = startedAt + Math.round(20 * 400 ** draw());
  const attempt: Attempt = {
    model,
    modelIndex: 0,
    number: 1,
    startedAt,
    outcome: type === "lost" ? "lost" : "streaming",
    chunks: 0,
    openedAt: startedAt + 10,
    ...(type === "committed" && { firstContentAt: at }),
  };
  return { type, at, attempt, attempts: [attempt] };
}

/** New events of all models; one of ten samples is a lost hedge. */
function makeSamples(names: readonly string[], count: number): FallbackEvent[] {
  return Array.from({ length: count }, (_, index) =>
    makeEvent(
      names[index % names.length]!,
      draw() < 0.1 ? "lost" : "committed",
    ));
}

/** The median and the range of some rounds, in nanoseconds per item. */
function measure<T>(prepare: () => readonly T[], work: (item: T) => unknown) {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS + 3; round++) {
    const items = prepare();
    const startedAt = performance.now();
    for (const item of items) work(item);
    rounds.push((performance.now() - startedAt) / items.length * 1e6);
  }
  const sorted = rounds.slice(3).sort((a, b) => a - b); // the first warm up
  const [median, least, most] = [
    sorted[ROUNDS >> 1]!,
    sorted[0]!,
    sorted.at(-1)!,
  ];
  const show = (ns: number) => Number(ns.toPrecision(2));
  return [`${show(median)} ns`, `${show(least)} to ${show(most)} ns`];
}

/** The memory of a model, in bytes. */
function bytesPerModel(): number {
  const names = Array.from({ length: MODELS_PER_TRACKER }, (_, i) => `m${i}`);
  const samples = makeSamples(names, names.length * 10);
  const kept: unknown[] = [];
  const used = () => {
    gc();
    gc(); // frees the arrays that the first one found
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  for (let i = 0; i < TRACKERS; i++) {
    const tracker = trackLatency();
    const quantile = tracker.quantile(0.95, BOUNDS);
    samples.forEach(tracker);
    names.forEach(quantile);
    kept.push(tracker, quantile);
  }
  const bytes = (used() - before) / TRACKERS / MODELS_PER_TRACKER;
  kept.length = 0;
  return Math.round(bytes);
}

const tracker = trackLatency();
const quantile = tracker.quantile(0.95, BOUNDS);
const samples = (count = BATCH) => makeSamples(MODELS, count);
const sample = measure(samples, tracker);
const other = measure(
  () => Array.from({ length: BATCH }, () => makeEvent("a", "started")),
  tracker,
);
const manyNames = Array.from({ length: 10_000 }, (_, index) => `m${index}`);
const busy = trackLatency();
const manySamples = measure(() => makeSamples(manyNames, BATCH), busy);
// A sample and a query; the sample alone is in the first row.
const changed = measure(samples, (event) => {
  tracker(event);
  quantile(event.attempt!.model);
});
const cached = measure(
  () => Array.from({ length: BATCH }, (_, index) => MODELS[index % 3]!),
  quantile,
);

console.log(table([
  ["what", "median", "range", "target"],
  ["a sample through the listener", ...sample, "≤ 100 ns"],
  ["an event that is no sample", ...other, ""],
  ["a sample while 10,000 names come by", ...manySamples, ""],
  ["a sample and a query after it", ...changed, "≤ 1,600 ns"],
  ["a query without a new sample", ...cached, "≤ 30 ns"],
  ["memory of a model", `${bytesPerModel()} bytes`, "", "≤ 1,024 bytes"],
]));
