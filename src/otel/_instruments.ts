// The metrics. Those of the conventions have their names, units and buckets; our
// own begin with `fallback.`.

import {
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  metrics,
} from "@opentelemetry/api";

/** The metric instruments. */
export interface Instruments {
  readonly duration: Histogram;
  readonly timeToFirstChunk: Histogram;
  readonly timePerOutputChunk: Histogram;
  readonly tokenUsage: Histogram;
  readonly inputTokens: Counter;
  readonly outputTokens: Counter;
  readonly callDuration: Histogram;
  readonly callTimeToFirstContent: Histogram;
  readonly callAttempts: Histogram;
  readonly hedges: Counter;
  readonly hedgesWon: Counter;
  readonly retries: Counter;
  readonly skips: Counter;
  readonly circuitsOpened: Counter;
  readonly circuitsClosed: Counter;
  readonly continuations: Counter;
}

/** Powers of two, in seconds: the buckets of the conventions for durations. */
const SECONDS = Array.from({ length: 14 }, (_, i) => 2 ** i / 100);
/** In seconds: the buckets of the conventions for the time between chunks. */
const CHUNK_SECONDS = [
  0.01,
  0.025,
  0.05,
  0.075,
  0.1,
  0.15,
  0.2,
  0.3,
  0.4,
  0.5,
  0.75,
  1,
  2.5,
];
/** Powers of four: the buckets of the conventions for tokens. */
const TOKENS = Array.from({ length: 14 }, (_, i) => 4 ** i);
const ATTEMPTS = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20];

/** Whether an SDK for metrics is registered. */
export function hasMeter(scope: string): boolean {
  return metrics.getMeter(scope) !== createNoopMeter();
}

/** Creates the instruments of a meter. */
export function createInstruments(meter: Meter): Instruments {
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
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description });
  return {
    duration: histogram(
      "gen_ai.client.inference.duration",
      "s",
      "Duration of an attempt",
      SECONDS,
    ),
    timeToFirstChunk: histogram(
      "gen_ai.client.inference.time_to_first_chunk",
      "s",
      "Time from the start of an attempt to its first content",
      SECONDS,
    ),
    timePerOutputChunk: histogram(
      "gen_ai.client.inference.time_per_output_chunk",
      "s",
      "Mean time between the chunks of an answer",
      CHUNK_SECONDS,
    ),
    tokenUsage: histogram(
      "gen_ai.client.token.usage",
      "{token}",
      "Tokens of an attempt, by gen_ai.token.type",
      TOKENS,
    ),
    inputTokens: counter(
      "gen_ai.client.inference.usage.input_tokens",
      "{token}",
      "Input tokens, those of failed attempts included",
    ),
    outputTokens: counter(
      "gen_ai.client.inference.usage.output_tokens",
      "{token}",
      "Output tokens, those of failed attempts included",
    ),
    callDuration: histogram(
      "fallback.call.duration",
      "s",
      "Duration of a call, until its answer has been read",
      SECONDS,
    ),
    callTimeToFirstContent: histogram(
      "fallback.call.time_to_first_content",
      "s",
      "Time that a caller has waited in all for the first content",
      SECONDS,
    ),
    callAttempts: histogram(
      "fallback.call.attempts",
      "{attempt}",
      "Attempts of a call",
      ATTEMPTS,
    ),
    hedges: counter(
      "fallback.hedges",
      "{hedge}",
      "Models that were opened beside a slow one",
    ),
    hedgesWon: counter(
      "fallback.hedges.won",
      "{hedge}",
      "Hedged calls that another model than the slow one has answered",
    ),
    retries: counter(
      "fallback.retries",
      "{retry}",
      "Attempts that were followed by another one on the same model",
    ),
    skips: counter(
      "fallback.skips",
      "{skip}",
      "Models that were skipped because their circuit is open",
    ),
    circuitsOpened: counter(
      "fallback.circuits.opened",
      "{circuit}",
      "Circuits that were found open for the first time",
    ),
    circuitsClosed: counter(
      "fallback.circuits.closed",
      "{circuit}",
      "Open circuits whose model has answered",
    ),
    continuations: counter(
      "fallback.continuations",
      "{continuation}",
      "Calls that continued an answer that broke off",
    ),
  };
}
