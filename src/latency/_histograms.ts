// How long each model takes to its first content, as histograms that forget.
//
// Attempts that were stopped before they had content are censored: they would
// have taken at least that long. The estimator is that of Kaplan and Meier
// (1958) on the buckets. Where its survival curve ends above zero, the rest is
// the share of attempts that never answer (the plateau of a cure model, Maller
// and Zhou), and is left out: otherwise an outage would push every quantile to
// its bound. Old samples weigh less by forward decay (Cormode et al. 2009): the
// weight of new ones grows, and nothing old has to be touched.

import type { LatencySnapshot } from "./track_latency.ts";

/** The lower edge of the second bucket, in milliseconds. */
const FIRST_EDGE_MS = 10;
/** Each bucket is so much wider than the one before. */
const GROWTH = 1.1;
const LOG_GROWTH = Math.log(GROWTH);
/** From 10 ms to 10 minutes. */
const BUCKETS = 117;
/** A row of attempts that answered, then a row of those that were stopped. */
const SLOT_LENGTH = 2 * BUCKETS;
/** Above this weight everything is divided by it: a float has no room left. */
const MAX_WEIGHT = 1e30;
/** An estimate that has to be made again. */
const STALE = NaN;
/** The estimate for a model of which too few attempts have answered. */
export const UNKNOWN = -Infinity;

/** How fast samples lose weight, and how many models are kept. */
export interface HistogramsOptions {
  readonly halfLifeSamples: number;
  readonly halfLifeMs: number;
  readonly minSamples: number;
  readonly maxModels: number;
}

/**
 * The survival curve of the model that was read last: the share of attempts
 * that have no content by the end of each bucket. All queries share this array,
 * because each is done with it before it returns.
 */
const curve = new Float64Array(BUCKETS);

/**
 * A histogram per model. An array has an overhead of 200 bytes, so all models
 * share a few arrays; each has a slot in them.
 */
export class Histograms {
  readonly #options: HistogramsOptions;
  readonly #growthPerSample: number;
  readonly #slots = new Map<string, number>();
  #buckets = new Float32Array(0);
  readonly #weights: number[] = [];
  readonly #lastAt: number[] = [];
  /** When a slot was used last, as the number of a sample. */
  readonly #lastUse: number[] = [];
  #uses = 0;
  /** For each quantile that is in use, the estimate of each slot. */
  readonly #caches: { readonly q: number; readonly values: number[] }[] = [];

  constructor(options: HistogramsOptions) {
    this.#options = options;
    this.#growthPerSample = 2 ** (1 / options.halfLifeSamples);
  }

  /** An attempt had content after `ms`, or was stopped then without any. */
  add(
    model: string,
    kind: "answered" | "stopped",
    ms: number,
    now: number,
  ): void {
    const slot = this.#slots.get(model) ?? this.#addModel(model, now);
    const { halfLifeSamples, halfLifeMs } = this.#options;
    const elapsed = Math.max(0, now - this.#lastAt[slot]!);
    // Most samples are so far apart that the power is known.
    let weight = this.#weights[slot]! *
      (elapsed * halfLifeSamples < halfLifeMs
        ? 2 ** (elapsed / halfLifeMs)
        : this.#growthPerSample);
    if (weight > MAX_WEIGHT) {
      this.#rescale(slot, weight);
      weight = 1;
    }
    this.#weights[slot] = weight;
    this.#lastAt[slot] = now;
    this.#lastUse[slot] = ++this.#uses;
    const row = slot * SLOT_LENGTH + (kind === "answered" ? 0 : BUCKETS);
    this.#buckets[row + bucketOf(ms)]! += weight;
    for (const { values } of this.#caches) values[slot] = STALE;
  }

  /** Gives a model an empty slot: a new one, or that of the longest unused. */
  #addModel(model: string, now: number): number {
    const isFull = this.#slots.size >= this.#options.maxModels;
    const slot = isFull ? this.#removeLongestUnused() : this.#slots.size;
    this.#slots.set(model, slot);
    const start = slot * SLOT_LENGTH;
    if (start === this.#buckets.length) this.#grow();
    this.#buckets.fill(0, start, start + SLOT_LENGTH);
    this.#weights[slot] = 1;
    this.#lastAt[slot] = now;
    return slot;
  }

  #removeLongestUnused(): number {
    let [oldest] = this.#slots;
    for (const entry of this.#slots) {
      if (this.#lastUse[entry[1]]! < this.#lastUse[oldest![1]]!) oldest = entry;
    }
    const [model, slot] = oldest!;
    this.#slots.delete(model);
    return slot;
  }

  /** Makes room for an eighth more models. */
  #grow(): void {
    const { size } = this.#slots;
    const models = Math.min(this.#options.maxModels, size + (size >> 3));
    const buckets = new Float32Array(models * SLOT_LENGTH);
    buckets.set(this.#buckets);
    this.#buckets = buckets;
  }

  #rescale(slot: number, weight: number): void {
    const start = slot * SLOT_LENGTH;
    for (let i = start; i < start + SLOT_LENGTH; i++) {
      this.#buckets[i]! /= weight;
    }
  }

  /** What is known of each model, the longest unused first. */
  snapshot(): LatencySnapshot[] {
    const lastUse = this.#lastUse;
    return Array.from(this.#slots)
      .sort(([, a], [, b]) => lastUse[a]! - lastUse[b]!)
      .map(([model, slot]) => ({
        model,
        samples: Math.round(this.#readCurve(slot).answered),
        p50: quantileOfCurve(0.5),
        p95: quantileOfCurve(0.95),
        p99: quantileOfCurve(0.99),
      }));
  }

  /**
   * Returns a function that estimates a quantile for a model, in milliseconds.
   * It keeps the estimate until the model's next sample. If fewer than
   * `minSamples` attempts have answered, the estimate is `UNKNOWN`; but
   * `Infinity` if at least `minSamples` were stopped.
   */
  estimator(q: number): (model: string) => number {
    let cache = this.#caches.find((each) => each.q === q);
    if (!cache) {
      cache = { q, values: this.#weights.map(() => STALE) };
      this.#caches.push(cache);
    }
    const { values } = cache;
    return (model) => {
      const slot = this.#slots.get(model);
      if (slot === undefined) return UNKNOWN;
      const cached = values[slot]!;
      if (!Number.isNaN(cached)) return cached;
      return values[slot] = this.#estimate(slot, q);
    };
  }

  #estimate(slot: number, q: number): number {
    const { minSamples } = this.#options;
    const { answered, stopped } = this.#readCurve(slot);
    if (answered >= minSamples) return quantileOfCurve(q);
    return stopped >= minSamples ? Infinity : UNKNOWN;
  }

  /**
   * Writes the survival curve of a slot to `curve`.
   *
   * @returns How many attempts have answered or were stopped, by their weight
   * today.
   */
  #readCurve(slot: number): { answered: number; stopped: number } {
    const buckets = this.#buckets;
    const start = slot * SLOT_LENGTH;
    let answered = 0;
    let stopped = 0;
    // First, how many attempts reach each bucket.
    for (let bucket = BUCKETS - 1; bucket >= 0; bucket--) {
      answered += buckets[start + bucket]!;
      stopped += buckets[start + BUCKETS + bucket]!;
      curve[bucket] = answered + stopped;
    }
    let survival = 1;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const events = buckets[start + bucket]!;
      if (events > 0) survival *= 1 - events / curve[bucket]!;
      curve[bucket] = survival;
    }
    const weight = this.#weights[slot]!;
    return { answered: answered / weight, stopped: stopped / weight };
  }
}

/**
 * The time within which a share `q` of the attempts that answer have content,
 * by `curve`. `Infinity` if none has answered.
 */
function quantileOfCurve(q: number): number {
  const plateau = curve[BUCKETS - 1]!;
  if (plateau >= 1) return Infinity;
  // Rounding must not put the target below the end of the curve.
  const target = Math.max(1 - q * (1 - plateau), plateau);
  let bucket = 0;
  let before = 1;
  while (curve[bucket] === before || curve[bucket]! > target) {
    before = curve[bucket++]!;
  }
  const low = bucket === 0 ? 0 : edgeOf(bucket);
  const share = (before - target) / (before - curve[bucket]!);
  return low + (edgeOf(bucket + 1) - low) * share;
}

function bucketOf(ms: number): number {
  // `ms` is negative if the clock was set back meanwhile.
  const growth = Math.max(1, ms / FIRST_EDGE_MS);
  return Math.min(Math.floor(Math.log(growth) / LOG_GROWTH), BUCKETS - 1);
}

function edgeOf(bucket: number): number {
  return FIRST_EDGE_MS * GROWTH ** bucket;
}
