/**
 * Scripts of chunks and steps: the behavior of a fake, as data.
 *
 * @module
 */

/** The kind of a {@linkcode Step}. */
export type StepType = "wait" | "open" | "fail" | "hang" | "end" | "truncate";

/**
 * One step of a {@linkcode Script}, made by {@linkcode wait},
 * {@linkcode open}, {@linkcode fail}, {@linkcode hang}, {@linkcode end} or
 * {@linkcode truncate}. A class, so that no chunk can be mistaken for one.
 */
export class Step {
  // Makes the type nominal: a chunk of the same shape is not taken for a step.
  readonly #type: StepType;
  /** How long a `wait` takes, in milliseconds. */
  readonly ms: number;
  /** The error that a `fail` throws. */
  readonly error: unknown;

  /**
   * Makes a step; the functions of `step` are shorter.
   *
   * @param type The kind of step.
   * @param ms How long a `wait` takes, in milliseconds.
   * @param error The error that a `fail` throws.
   */
  constructor(type: StepType, ms = 0, error?: unknown) {
    this.#type = type;
    this.ms = ms;
    this.error = error;
  }

  /** The kind of step. */
  get type(): StepType {
    return this.#type;
  }
}

/**
 * What a fake does in one call, in order. Every value that is not a
 * {@linkcode Step} is a chunk. The stream opens at `open()`, or else just
 * before the first chunk or at the end; earlier steps belong to opening.
 *
 * @typeParam Chunk The type of a chunk.
 */
export type Script<Chunk> = readonly (Chunk | Step)[];
