// The SDK of OpenTelemetry with its in-memory exporters, and what they received
// as readable lines.

import {
  type Attributes,
  context,
  diag,
  DiagLogLevel,
  type HrTime,
  metrics,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { assertEquals } from "@std/assert";

/** The value of a metric for one set of attributes; a counter has only a `sum`. */
export interface Point {
  readonly attributes: Attributes;
  readonly sum: number | undefined;
  readonly count?: number;
}

/** What a metric is; a counter has no buckets. */
export interface Instrument {
  readonly description: string;
  readonly unit: string;
  readonly bounds: readonly number[] | undefined;
}

/** An SDK that is registered until it is disposed of. */
export class Sdk implements AsyncDisposable {
  /** The spans that were started, in that order. */
  readonly started: ReadableSpan[] = [];
  /** Warnings of the SDK: a span that ends twice, or before it starts. */
  readonly warnings: string[] = [];
  readonly #exporter = new InMemorySpanExporter();
  readonly #metricExporter = new InMemoryMetricExporter(
    AggregationTemporality.CUMULATIVE,
  );
  readonly #tracerProvider: TracerProvider;
  readonly #meterProvider: MeterProvider;

  constructor() {
    const watch: SpanProcessor = {
      onStart: (span) => void this.started.push(span),
      onEnd: () => {},
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
    const spanProcessors = [
      watch,
      new SimpleSpanProcessor({ exporter: this.#exporter }),
    ];
    this.#tracerProvider = new TracerProvider({ spanProcessors });
    const reader = new PeriodicExportingMetricReader({
      exporter: this.#metricExporter,
      exportIntervalMillis: 1_000_000,
    });
    this.#meterProvider = new MeterProvider({ readers: [reader] });
    const warn = (message: string) => void this.warnings.push(message);
    const ignore = () => {};
    diag.setLogger({
      error: warn,
      warn,
      info: ignore,
      debug: ignore,
      verbose: ignore,
    }, DiagLogLevel.WARN);
    trace.setGlobalTracerProvider(this.#tracerProvider);
    metrics.setGlobalMeterProvider(this.#meterProvider);
    context.setGlobalContextManager(
      new AsyncLocalStorageContextManager().enable(),
    );
  }

  /** The spans. Asserts that each one that was started has ended, once. */
  spans(): readonly ReadableSpan[] {
    const ended = this.#exporter.getFinishedSpans();
    assertEquals(this.warnings, []);
    assertEquals(namesOf(ended), namesOf(this.started));
    return ended;
  }

  /** Forgets the spans. */
  reset(): void {
    this.#exporter.reset();
    this.started.length = 0;
  }

  /** The metrics by name. */
  async metrics(): Promise<Record<string, Point[]>> {
    return Object.fromEntries(
      (await this.#export()).map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => ({
          attributes,
          ...readValue(value),
        })),
      ]),
    );
  }

  /** The description and the unit of each metric, and the bounds of its buckets. */
  async instruments(): Promise<Record<string, Instrument>> {
    return Object.fromEntries(
      (await this.#export()).map((
        { descriptor: { name, description, unit }, dataPoints: [first] },
      ) => [name, { description, unit, bounds: boundsOf(first!.value) }]),
    );
  }

  async #export(): Promise<readonly MetricData[]> {
    await this.#meterProvider.forceFlush();
    const latest = this.#metricExporter.getMetrics().at(-1);
    return latest?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    trace.disable();
    metrics.disable();
    context.disable();
    diag.disable();
    await this.#tracerProvider.shutdown();
    await this.#meterProvider.shutdown();
  }
}

function namesOf(spans: readonly ReadableSpan[]): string[] {
  return spans.map((span) => `${span.name} ${span.spanContext().spanId}`)
    .toSorted();
}

function readValue(value: unknown): Omit<Point, "attributes"> {
  if (typeof value === "number") return { sum: value };
  const { count, sum } = value as Histogram;
  return { count, sum: sum === undefined ? sum : round(sum) };
}

/** Removes the error of binary fractions. */
function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

/** In milliseconds since the epoch. */
export function msOf([seconds, nanos]: HrTime): number {
  return seconds * 1000 + nanos / 1e6;
}

/**
 * Spans as lines, each with its events and its children below it: name, start
 * and end, outcome, and `error.type` after a `!`.
 */
export function lines(spans: readonly ReadableSpan[]): string[] {
  const childrenOf = (parent: string | undefined, indent: string): string[] =>
    spans.filter((span) => span.parentSpanContext?.spanId === parent)
      .toSorted((a, b) => orderOf(a, b))
      .flatMap((span) => [
        `${indent}${lineOf(span)}`,
        ...span.events.map(({ name, time, attributes = {} }) =>
          `${indent}  * ${name} at ${msOf(time)}${
            Object.values(attributes).map((value) => ` ${value}`).join("")
          }`
        ),
        ...childrenOf(span.spanContext().spanId, `${indent}  `),
      ]);
  return childrenOf(undefined, "");
}

function boundsOf(value: unknown): readonly number[] | undefined {
  return typeof value === "number"
    ? undefined
    : (value as Histogram).buckets.boundaries;
}

function orderOf(a: ReadableSpan, b: ReadableSpan): number {
  const place = ({ attributes }: ReadableSpan) =>
    Number(attributes["fallback.attempt"] ?? 0);
  return msOf(a.startTime) - msOf(b.startTime) || place(a) - place(b);
}

function lineOf(
  { name, startTime, endTime, attributes, status }: ReadableSpan,
): string {
  const outcome = attributes["fallback.outcome"];
  const error = attributes["error.type"];
  return [
    `${name} ${msOf(startTime)}–${msOf(endTime)}`,
    ...outcome ? [outcome] : [],
    ...error !== undefined || status.code === SpanStatusCode.ERROR
      ? [`${status.code === SpanStatusCode.ERROR ? "!" : "?"}${error}`]
      : [],
  ].join(" ");
}
