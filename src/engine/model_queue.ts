// Which model is tried next (R1, R21).

import type { Model } from "../types/model.ts";

/** A model whose turn it is. */
export interface Candidate<Request, Chunk> {
  readonly model: Model<Request, Chunk>;
  /** Its position in the list. */
  readonly index: number;
  /** How many attempts it has had. */
  readonly attempts: number;
  /** Whether the health store refused it before: now it is tried all the same. */
  readonly isSkipped: boolean;
}

/** The models of a call in order; then those that were skipped, in order. */
export class ModelQueue<Request, Chunk> {
  readonly #models: readonly Model<Request, Chunk>[];
  #next: number;
  #skipped: Candidate<Request, Chunk>[] | undefined;

  constructor(models: readonly Model<Request, Chunk>[], from: number) {
    this.#models = models;
    this.#next = from;
  }

  /** Whether a model is left that the health store has not refused. */
  get hasUnskipped(): boolean {
    return this.#next < this.#models.length;
  }

  /** Whether any model is left. */
  get hasNext(): boolean {
    return this.hasUnskipped || Boolean(this.#skipped?.length);
  }

  /** The next model, or `undefined` if none is left. */
  take(): Candidate<Request, Chunk> | undefined {
    if (!this.hasUnskipped) return this.#skipped?.shift();
    const index = this.#next++;
    return {
      model: this.#models[index]!,
      index,
      attempts: 0,
      isSkipped: false,
    };
  }

  /** Puts a model that the store has refused at the end, in list order. */
  addSkipped(candidate: Candidate<Request, Chunk>): void {
    const skipped = this.#skipped ??= [];
    skipped.push(candidate);
    skipped.sort((a, b) => a.index - b.index);
  }
}
