// The metrics, made once somebody listens.

import {
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  metrics,
} from "@opentelemetry/api";

/** What is measured. */
export interface Instruments {
  readonly duration: Histogram;
  readonly timeToFirstChunk: Histogram;
  readonly callDuration: Histogram;
  readonly callAttempts: Histogram;
  readonly hedges: Counter;
}

/** In seconds: those that the conventions ask for, and less for what is quick. */
const SECONDS = [
  0.01,
  0.02,
  0.04,
  0.08,
  0.16,
  0.32,
  0.64,
  1.28,
  2.56,
  5.12,
  10.24,
  20.48,
  40.96,
  81.92,
];
const ATTEMPTS = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20];

/** Whether anybody listens to metrics. */
export function hasMeter(scope: string): boolean {
  return metrics.getMeter(scope) !== createNoopMeter();
}

export function makeInstruments(meter: Meter): Instruments {
  const histogram = (
    name: string,
    unit: string,
    description: string,
    explicitBucketBoundaries: number[],
  ) =>
    meter.createHistogram(name, {
      unit,
      description,
      advice: { explicitBucketBoundaries },
    });
  return {
    duration: histogram(
      "gen_ai.client.operation.duration",
      "s",
      "How long an attempt took",
      SECONDS,
    ),
    timeToFirstChunk: histogram(
      "gen_ai.client.operation.time_to_first_chunk",
      "s",
      "How long an attempt took until its first content",
      SECONDS,
    ),
    callDuration: histogram(
      "fallback.call.duration",
      "s",
      "How long a call took, until its answer was read",
      SECONDS,
    ),
    callAttempts: histogram(
      "fallback.call.attempts",
      "{attempt}",
      "How many attempts a call took",
      ATTEMPTS,
    ),
    hedges: meter.createCounter("fallback.hedges", {
      unit: "{hedge}",
      description: "How many models were opened beside a slow one",
    }),
  };
}
