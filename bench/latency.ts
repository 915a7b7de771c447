// The cost of learned times: a sample through the listener, a query, and the
// memory of a model. `deno task bench:latency`

import type { Attempt, FallbackEvent } from "@fallback/stream";
import { trackLatency } from "@fallback/stream/latency";
import { random } from "./_random.ts";
import { table } from "./_table.ts";

declare const gc: () => void;

/** Many short rounds: some are free of what else the machine does. */
const ROUNDS = 200;
const WARM_UP_ROUNDS = 50;
const BATCH = 2_000;
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
  const startedAt = now += 100;
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

/** Quantiles over all rounds, in nanoseconds per item. */
function measure<T>(
  prepare: () => readonly T[],
  work: (item: T) => unknown,
): string[] {
  const rounds = new Float64Array(ROUNDS);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const items = prepare();
    const startedAt = performance.now();
    for (const item of items) work(item);
    const ms = performance.now() - startedAt;
    if (round >= 0) rounds[round] = ms / items.length * 1e6;
  }
  rounds.sort();
  return [0, 0.25, 0.5, 0.75].map((share) =>
    `${Number(rounds[share * ROUNDS]!.toPrecision(2))} ns`
  );
}

/** The memory of a model, in bytes. */
function bytesPerModel(): number {
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
const names = Array.from({ length: MODELS_PER_TRACKER }, (_, i) => `n${i}`);
const many = trackLatency();
const quantileOfMany = many.quantile(0.95, BOUNDS);
makeSamples(names, names.length * 300).forEach(many);
const changed = measure(() => {
  makeSamples(names, names.length).forEach(many);
  return names;
}, quantileOfMany);
const cached = measure(
  () => Array.from({ length: BATCH }, (_, index) => MODELS[index % 3]!),
  quantile,
);

console.log(table([
  ["what", "best", "lower quartile", "median", "upper quartile", "target"],
  ["a sample through the listener", ...sample, "≤ 100 ns"],
  ["a sample, with 10,000 names in turn", ...manySamples, ""],
  ["an event that is no sample", ...other, ""],
  ["a query after a new sample", ...changed, "≤ 1,500 ns"],
  ["a query without a new sample", ...cached, "≤ 30 ns"],
]));
console.log(
  `\nMemory of a model: ${bytesPerModel()} bytes (target: ≤ 1,024 bytes)`,
);
