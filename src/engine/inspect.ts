// What `console.log(stream)` shows.

/** The key by which Node, Deno and Bun look up how a value is shown. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** A stream that shows its model, its outcome and the number of attempts. */
export abstract class InspectableStream {
  abstract readonly model: string;
  abstract readonly attempts: readonly unknown[];
  abstract readonly outcome: string;

  [INSPECT](): string {
    const { model, outcome, attempts } = this;
    return `FallbackStream { model: ${
      JSON.stringify(model)
    }, outcome: "${outcome}", attempts: ${attempts.length} }`;
  }

  /** What `JSON.stringify(stream)` shows. */
  toJSON(): object {
    const { model, outcome, attempts } = this;
    return { model, outcome, attempts };
  }
}
