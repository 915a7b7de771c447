// Calls the predicates of a stream for each chunk: whether it is content, whether
// it ends the answer, how many tokens it reports. Converts it for a mapped model.

import { ignoreErrors, refusePromise } from "../_shared/ignore_errors.ts";
import type { FallbackOptions } from "../types/options.ts";
import type { Usage } from "../types/attempt.ts";
import type { InnerPredicates } from "./mapped_source.ts";
import { toArray } from "./mapped_source.ts";
import { mergeUsage } from "./usage.ts";

/** The predicates of a model, or of the call. */
type Predicates = {
  isContent?: ((chunk: never) => boolean) | undefined;
  isFinal?: ((chunk: never) => boolean) | undefined;
};

/** An attempt, which user code may end at any time. */
interface Owner {
  readonly hasEnded: boolean;
}

/** Looks at the chunks of one stream. */
export class ChunkReader<Chunk> {
  /** The chunk that ends a complete answer was seen. */
  isFinished = false;
  /** The tokens that the model has reported. */
  usage: Usage | undefined;
  readonly #owner: Owner;
  readonly #model: InnerPredicates;
  readonly #options: Predicates;
  readonly #mappers: readonly ((chunk: never) => unknown)[];
  /** Whose `isFinal` is called with the chunks of the model. */
  readonly #final: Predicates | undefined;

  /**
   * @param owner After each call of user code, nothing more is done if it has
   * ended.
   * @param model The predicates of the model whose stream is read. They are
   * called with its chunks.
   * @param options The options of the call. Their predicates are called with the
   * delivered chunks, where the model has none.
   * @param mappers What converts a chunk, the innermost first.
   */
  constructor(
    owner: Owner,
    model: InnerPredicates,
    options: FallbackOptions<never, Chunk>,
    mappers: readonly ((chunk: never) => unknown)[],
  ) {
    this.#owner = owner;
    this.#model = model;
    this.#options = options as Predicates;
    this.#mappers = mappers;
    this.#final = model.isFinal
      ? model
      : options.isFinal && mappers.length === 0
      ? options
      : undefined;
  }

  /** Whether one chunk may become none, or several. */
  get isMapped(): boolean {
    return this.#mappers.length > 0;
  }

  /** Whether a stream that ends now is truncated. */
  get isTruncated(): boolean {
    return !this.isFinished &&
      Boolean(this.#model.isFinal ?? this.#options.isFinal);
  }

  /** Whether the model reports tokens at all. */
  get reportsUsage(): boolean {
    return this.#model.usage !== undefined;
  }

  /** Merges the tokens that a chunk of the model reports. Whether it does. */
  takeUsage(chunk: unknown): boolean {
    const before = this.usage;
    // A report that cannot be made is no report.
    ignoreErrors(() => {
      const report: unknown = this.#model.usage!(chunk as never);
      this.usage = mergeUsage(before, report);
      return report;
    });
    return this.usage !== before;
  }

  /** Looks whether a chunk of the model is the final one. */
  observe(chunk: unknown): void {
    const predicates = this.#final;
    if (predicates && this.#ask(predicates, "isFinal", chunk)) {
      this.isFinished = true;
    }
  }

  /** Converts a chunk, and calls `isFinal` of the options if it applies. */
  convert(chunk: unknown): readonly Chunk[] {
    let chunks: readonly unknown[] = [chunk];
    for (const map of this.#mappers) {
      chunks = chunks.flatMap((each) => {
        if (this.#owner.hasEnded) return [];
        const mapped = map(each as never);
        refusePromise("chunk", mapped);
        return toArray(mapped);
      });
    }
    const options = this.#options;
    if (!this.#model.isFinal && options.isFinal) {
      for (const each of chunks) {
        if (this.#ask(options, "isFinal", each)) this.isFinished = true;
      }
    }
    return chunks as readonly Chunk[];
  }

  /** Whether a chunk, or what it was converted to, is content. */
  isContent(chunk: unknown, converted: readonly Chunk[] | undefined): boolean {
    const model = this.#model;
    const options = this.#options;
    if (model.isContent) return this.#ask(model, "isContent", chunk);
    if (!options.isContent) return !converted || converted.length > 0;
    const chunks = converted ?? [chunk];
    return chunks.some((each) => this.#ask(options, "isContent", each));
  }

  /** Calls a predicate, unless the attempt has ended. */
  #ask(owner: Predicates, name: keyof Predicates, chunk: unknown): boolean {
    if (this.#owner.hasEnded) return false;
    const answer: unknown = owner[name]!(chunk as never);
    if (typeof answer === "object") {
      refusePromise(owner === this.#options ? `options.${name}` : name, answer);
    }
    return Boolean(answer);
  }
}
