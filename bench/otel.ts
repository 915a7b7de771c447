// What `instrument()` costs a call and a chunk: without an SDK, and with one that
// records everything and exports nothing. Calls with it and calls without it take
// turns in one process, and the median of the ratios counts.

import { type FallbackListener, fallbackStream } from "@fallback/stream";
import { instrument } from "@fallback/stream/otel";
import { context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import process from "node:process";
import { median } from "./_median.ts";

const PAIRS = 41;
const WARM_UP = 5;

/** Many short calls, or few long ones. */
const LOADS = [
  { unit: "call", calls: 5000, chunks: 2, units: 5000 },
  { unit: "chunk", calls: 10, chunks: 20_000, units: 200_000 },
] as const;

type Load = (typeof LOADS)[number];

/** An exporter that drops everything. */
const exporter = {
  export: (_: unknown, done: (result: { code: number }) => void) =>
    done({ code: 0 }),
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
  selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
};

function registerSdk(): void {
  const manager = new AsyncLocalStorageContextManager();
  context.setGlobalContextManager(manager.enable());
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 1_000_000,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
}

async function* generate(chunks: number): AsyncGenerator<number> {
  for (let chunk = 0; chunk < chunks; chunk++) yield chunk;
}

/** Processor time, which other processes do not change, in microseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** In microseconds per call or per chunk. */
async function measure(
  { calls, chunks, units }: Load,
  onEvent: FallbackListener | undefined,
): Promise<number> {
  const model = () => generate(chunks);
  const startedAt = processorTime();
  for (let call = 0; call < calls; call++) {
    await using stream = await fallbackStream([model], "hi", { onEvent });
    for await (const _ of stream);
  }
  return (processorTime() - startedAt) / units;
}

async function compare(sdk: string, load: Load): Promise<void> {
  const onEvent = instrument();
  const pairs: { bare: number; ours: number }[] = [];
  for (let pair = -WARM_UP; pair < PAIRS; pair++) {
    const bare = await measure(load, undefined);
    const ours = await measure(load, onEvent);
    if (pair >= 0) pairs.push({ bare, ours });
  }
  const ratio = median(pairs.map(({ bare, ours }) => ours / bare));
  const bare = median(pairs.map(({ bare }) => bare));
  const cost = median(pairs.map(({ bare, ours }) => ours - bare));
  console.log(
    `instrument() ${sdk}, a ${load.unit}: ${ratio.toFixed(2)} × (${
      bare.toFixed(2)
    } µs and ${cost.toFixed(2)} µs more)`,
  );
}

for (const load of LOADS) await compare("without an SDK", load);
registerSdk();
for (const load of LOADS) await compare("with an SDK", load);
Deno.exit(); // the reader of metrics has a timer
