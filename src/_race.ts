// Hedging: models that run side by side, and the question whose turn it is. The
// idea is from Dean and Barroso, "The Tail at Scale" (2013).

import type { Call } from "./_call.ts";
import type { Hedge } from "./_chain.ts";

/** What a runner has come to: a stream, or nothing, for it is spent. */
interface Word<Stream> {
  readonly runner: Promise<Stream | undefined>;
  readonly stream: Stream | undefined;
}

/** The models of a call that run side by side. */
export class Race<Request, Chunk, Stream> {
  readonly #call: Call<Request, Chunk>;
  readonly #hedge: Hedge;
  readonly #running = new Set<Promise<Stream | undefined>>();
  #modelsLeft: number;

  constructor(call: Call<Request, Chunk>, hedge: Hedge, models: number) {
    this.#call = call;
    this.#hedge = hedge;
    this.#modelsLeft = models;
  }

  /**
   * Lets a model run beside the others.
   *
   * @returns The first stream, or nothing as soon as the next model's turn has
   * come: one is spent and makes room, or the latest has been slow.
   */
  async turn(
    runner: Promise<Stream | undefined>,
  ): Promise<Stream | undefined> {
    this.#modelsLeft--;
    this.#running.add(runner);
    this.#call.runners = [...this.#call.runners, runner];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const { afterMs, maxInFlight } = this.#hedge;
    const slow = this.#modelsLeft > 0 && this.#running.size < maxInFlight
      ? new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, afterMs, undefined);
      })
      : undefined;
    try {
      const word = await this.#word(slow);
      if (word || this.#takeBudget()) return word?.stream;
      return (await this.#word())?.stream;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for those that still run: the first stream, if one comes. */
  async finish(): Promise<Stream | undefined> {
    while (this.#running.size > 0) {
      const word = await this.#word();
      if (word?.stream) return word.stream;
    }
  }

  /** What the first runner to be through has come to, unless `slow` is first. */
  async #word(slow?: Promise<undefined>): Promise<Word<Stream> | undefined> {
    for (;;) {
      const words = Array.from(this.#running, async (runner) => ({
        runner,
        stream: await runner,
      }));
      const word = await Promise.race(slow ? [...words, slow] : words);
      if (word) this.#running.delete(word.runner);
      else this.#call.throwIfStopped();
      // Once a model is committed the others are not spent: they have lost.
      if (!this.#call.committed || word?.stream) return word;
      slow = undefined;
    }
  }

  #takeBudget(): boolean {
    const { budget } = this.#hedge.options;
    if (budget && !budget.take()) return false;
    this.#call.emit("hedge", this.#call.attempts.at(-1));
    return true;
  }
}
