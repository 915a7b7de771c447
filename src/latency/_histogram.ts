// How long one model takes to its first content, as a histogram that forgets.
//
// Attempts that were stopped before they had content are censored: they would
// have taken at least that long. The estimator is that of Kaplan and Meier
// (1958) on the buckets. Where its survival curve ends above zero, the rest is
// the share of attempts that never answer (the plateau of a cure model, Maller
// and Zhou), and is left out: otherwise an outage would push every quantile to
// its bound. Old samples weigh less by forward decay (Cormode et al. 2009): the
// weight of new ones grows, and nothing old has to be touched.

/** The lower edge of the second bucket, in milliseconds. */
const FIRST_EDGE_MS = 10;
/** Each bucket is so much wider than the one before. */
const GROWTH = 1.1;
/** From 10 ms to 10 minutes. */
const BUCKETS = 117;
/** Above this weight everything is divided by it: a float has no room left. */
const MAX_WEIGHT = 1e30;

/** How fast old samples lose weight: by samples and by time, the slower one. */
export interface HalfLife {
  readonly samples: number;
  readonly ms: number;
}

/** The times of one model. It holds two rows of 117 32-bit floats. */
export class Histogram {
  /** Grows with every sample, so that results can be cached. */
  version = 0;
  readonly #answered = new Float32Array(BUCKETS);
  readonly #stopped = new Float32Array(BUCKETS);
  #weight = 1;
  #lastAt: number | undefined;

  /** An attempt had content after `ms`, or was stopped then without any. */
  add(
    kind: "answered" | "stopped",
    ms: number,
    now: number,
    halfLife: HalfLife,
  ): void {
    const elapsed = Math.max(0, now - (this.#lastAt ?? now));
    this.#lastAt = now;
    this.#weight *= 2 **
      Math.min(1 / halfLife.samples, elapsed / halfLife.ms);
    if (this.#weight > MAX_WEIGHT) this.#rescale();
    const row = kind === "answered" ? this.#answered : this.#stopped;
    row[bucketOf(ms)]! += this.#weight;
    this.version++;
  }

  #rescale(): void {
    for (const row of [this.#answered, this.#stopped]) {
      for (let i = 0; i < BUCKETS; i++) row[i]! /= this.#weight;
    }
    this.#weight = 1;
  }

  /** How many attempts have answered, by their weight today. */
  get answered(): number {
    return sum(this.#answered) / this.#weight;
  }

  /** How many attempts were stopped without content, by their weight today. */
  get stopped(): number {
    return sum(this.#stopped) / this.#weight;
  }

  /**
   * The time within which a share `q` of the attempts that answer have content,
   * in milliseconds. `Infinity` if none has answered.
   */
  quantile(q: number): number {
    const plateau = this.#survival(() => false).survival;
    const target = 1 - q * (1 - plateau);
    if (plateau >= 1) return Infinity;
    const { bucket, before, survival } = this.#survival((s) => s <= target);
    const low = bucket === 0 ? 0 : edgeOf(bucket);
    const share = before > survival
      ? (before - target) / (before - survival)
      : 1;
    return low + (edgeOf(bucket + 1) - low) * Math.min(1, share);
  }

  /** Follows the survival curve up to the first bucket that `isEnd` accepts. */
  #survival(
    isEnd: (survival: number) => boolean,
  ): { bucket: number; before: number; survival: number } {
    let atRisk = sum(this.#answered) + sum(this.#stopped);
    let survival = 1;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const answered = this.#answered[bucket]!;
      const before = survival;
      if (answered > 0) survival *= Math.max(0, 1 - answered / atRisk);
      if (answered > 0 && isEnd(survival)) return { bucket, before, survival };
      atRisk -= answered + this.#stopped[bucket]!;
    }
    return { bucket: BUCKETS - 1, before: survival, survival };
  }
}

function bucketOf(ms: number): number {
  const bucket = Math.floor(Math.log(ms / FIRST_EDGE_MS) / Math.log(GROWTH));
  return Math.min(Math.max(bucket, 0), BUCKETS - 1);
}

function edgeOf(bucket: number): number {
  return FIRST_EDGE_MS * GROWTH ** bucket;
}

function sum(row: Float32Array): number {
  let total = 0;
  for (const value of row) total += value;
  return total;
}
