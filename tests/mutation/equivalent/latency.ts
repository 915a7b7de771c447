// Equivalent mutants of `src/latency`.

import type { EquivalentMutants } from "./mod.ts";

const MEMORY = "It only takes more memory, or copies more often.";
const ANY_LIMIT = "Any limit far below the largest 32-bit float will do.";
const RATIOS =
  "What the first sample weighs does not matter: only ratios of weights do.";

export default {
  "src/latency/_histograms.ts": [
    {
      from: "const SLOT_LENGTH = 2 * BUCKETS;",
      to: "const SLOT_LENGTH = 3 * BUCKETS;",
      reason: MEMORY,
    },
    {
      from: "const MAX_WEIGHT = 1e30;",
      to: "const MAX_WEIGHT = 1e+30;",
      reason: "It is the same number.",
    },
    {
      from: "#uses = 0;",
      to: "#uses = 1;",
      reason: "Only the order of the numbers counts.",
    },
    {
      from: "(elapsed * halfLifeSamples < halfLifeMs",
      to: "(elapsed * halfLifeSamples <= halfLifeMs",
      reason: "Where both are equal, so are the two powers.",
    },
    {
      from: "if (weight > MAX_WEIGHT) {",
      to: "if (!(weight > MAX_WEIGHT)) {",
      reason:
        "It only saves time: the weights are then divided at every sample.",
    },
    {
      from: "if (weight > MAX_WEIGHT) {",
      to: "if (weight >= MAX_WEIGHT) {",
      reason: ANY_LIMIT,
    },
    {
      from: "this.#weights[slot] = 1;",
      to: "this.#weights[slot] = 2;",
      reason: RATIOS,
    },
    {
      from:
        "if (this.#lastUse[entry[1]]! < this.#lastUse[oldest![1]]!) oldest = entry;",
      to:
        "if (this.#lastUse[entry[1]]! <= this.#lastUse[oldest![1]]!) oldest = entry;",
      reason: "Two slots never have the same number.",
    },
    {
      from:
        "const models = Math.min(this.#options.maxModels, size + (size >> 3));",
      to:
        "const models = Math.max(this.#options.maxModels, size + (size >> 3));",
      reason: MEMORY,
    },
    {
      from:
        "const models = Math.min(this.#options.maxModels, size + (size >> 3));",
      to:
        "const models = Math.min(this.#options.maxModels, size + (size >> 4));",
      reason: MEMORY,
    },
    {
      from: "this.#caches.push(cache);",
      to: "this.#caches.unshift(cache);",
      reason: "Only one cache is for a quantile, wherever it is.",
    },
    {
      from: "for (let bucket = 0; bucket < BUCKETS; bucket++) {",
      to: "for (let bucket = 0; bucket <= BUCKETS; bucket++) {",
      reason: "A write behind the end of `curve` is ignored.",
    },
  ],
} satisfies EquivalentMutants;
