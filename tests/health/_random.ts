// Chance that can be repeated: a seed gives the same numbers every time.

/** Numbers from 0 to 1, without 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Lets `Math.random()` give what the seed says until it is disposed of. */
export function seededChance(seed: number): Disposable {
  const { random } = Math;
  Math.random = randomFrom(seed);
  return { [Symbol.dispose]: () => void (Math.random = random) };
}
