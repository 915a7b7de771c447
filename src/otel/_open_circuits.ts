// Which circuits are open, as far as the events of this process show it.

/** More models than any chain has; names may be made up for each request. */
const MAX_MODELS = 1000;

/** The models that were skipped and have not answered since. */
export class OpenCircuits {
  readonly #models = new Set<string>();

  /** A model was skipped. Returns whether its circuit has just opened. */
  open(model: string): boolean {
    if (this.#models.has(model)) return false;
    if (this.#models.size === MAX_MODELS) {
      const [oldest] = this.#models;
      this.#models.delete(oldest!);
    }
    this.#models.add(model);
    return true;
  }

  /** A model answers. Returns whether its circuit has just closed. */
  close(model: string): boolean {
    return this.#models.delete(model);
  }
}
