// What `console.log(stream)` shows.

/** The keys by which Deno, Node and Bun ask a value how it is shown. */
const DENO_INSPECT: unique symbol = Symbol.for("Deno.customInspect");
const NODE_INSPECT: unique symbol = Symbol.for(
  "nodejs.util.inspect.custom",
);

/** A stream that shows its model, its outcome and the number of attempts. */
export abstract class InspectableStream {
  /** The name of the model that answers. */
  abstract readonly model: string;
  /** The attempts of the call. */
  abstract readonly attempts: readonly unknown[];
  /** How far the stream is. */
  abstract readonly outcome: string;

  [DENO_INSPECT](): string {
    return this.#describe();
  }

  [NODE_INSPECT](): string {
    return this.#describe();
  }

  #describe(): string {
    const { model, outcome, attempts } = this;
    return `FallbackStream { model: ${
      JSON.stringify(model)
    }, outcome: "${outcome}", attempts: ${attempts.length} }`;
  }
}
