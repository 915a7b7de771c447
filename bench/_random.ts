// Random numbers that depend only on their keys, not on the caller or the order
// of the calls. So every strategy meets the same
// providers, and a difference between two rows is not luck.

/** Gives the next number of a sequence, from 0 to below 1. */
export type Random = () => number;

/** The golden ratio as a fraction of 2³², as in splitmix. */
const STEP = 0x9e3779b9;

/** The sequence that belongs to these keys. */
export function random(...keys: readonly number[]): Random {
  let state = 0;
  for (const key of keys) state = scramble(state + key + STEP | 0);
  return () => {
    state = state + STEP | 0;
    return (scramble(state) >>> 0) / 2 ** 32;
  };
}

/** MurmurHash3's finalizer: every bit of `x` changes half of the result's. */
function scramble(x: number): number {
  x = Math.imul(x ^ x >>> 16, 0x85ebca6b);
  x = Math.imul(x ^ x >>> 13, 0xc2b2ae35);
  return x ^ x >>> 16;
}

/** Lets `Math.random()` give what the seed says until it is disposed of. */
export function seededChance(seed: number): Disposable {
  const { random: original } = Math;
  Math.random = random(seed);
  return { [Symbol.dispose]: () => void (Math.random = original) };
}

/** A whole number below `limit`. */
export function below(draw: Random, limit: number): number {
  return Math.floor(draw() * limit);
}

/** One of the items, each as likely as the others. */
export function oneOf<T>(draw: Random, items: readonly T[]): T {
  return items[below(draw, items.length)]!;
}

/** How long until what happens every `mean` on average happens next. */
export function exponential(draw: Random, mean: number): number {
  return -mean * Math.log(1 - draw());
}

/** Of mean 0 and variance 1, by Box and Muller. */
export function normal(draw: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw()));
  return radius * Math.cos(2 * Math.PI * draw());
}

/** At least 1, and above `x` with odds of `x` to the power of `-shape`. */
export function pareto(draw: Random, shape: number): number {
  return (1 - draw()) ** (-1 / shape);
}
