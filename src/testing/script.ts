/**
 * What a fake does, as data: scripts of chunks and steps.
 *
 * @module
 */

/** What a {@linkcode Step} does. */
export type StepType = "wait" | "open" | "fail" | "hang" | "end" | "truncate";

/**
 * One step of a {@linkcode Script}, made by {@linkcode wait},
 * {@linkcode open}, {@linkcode fail}, {@linkcode hang}, {@linkcode end} or
 * {@linkcode truncate}. A class, so that no chunk can be mistaken for one.
 */
export class Step {
  // Makes the type nominal: no chunk type is taken for a step by its shape.
  readonly #type: StepType;
  /** How long a `wait` takes, in milliseconds. */
  readonly ms: number;
  /** What a `fail` throws. */
  readonly error: unknown;

  /**
   * Makes a step; the functions of this module say it shorter.
   *
   * @param type What the step does.
   * @param ms How long a `wait` takes, in milliseconds.
   * @param error What a `fail` throws.
   */
  constructor(type: StepType, ms = 0, error?: unknown) {
    this.#type = type;
    this.ms = ms;
    this.error = error;
  }

  /** What the step does. */
  get type(): StepType {
    return this.#type;
  }
}

/**
 * What a fake does in one call, in order. Every value that is not a
 * {@linkcode Step} is a chunk. The stream opens at `open()`, or else just
 * before the first chunk or at the end; what comes earlier belongs to opening.
 *
 * @typeParam Chunk The type of a chunk.
 */
export type Script<Chunk> = readonly (Chunk | Step)[];
