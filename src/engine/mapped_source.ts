// The stream of a mapped model (R22). The engine does not read it as a stream:
// it reads the inner one, calls the predicates with its chunks, and converts them.
// So there is no generator in between, and closing reaches the model's stream at
// once.

import type { Model, StreamSource } from "../types/model.ts";

/** Converts a chunk: nothing, one chunk, or several in an array. */
export type ChunkMapper = (chunk: never) => unknown;

/** What is called with inner chunks. */
export type InnerPredicates = Pick<
  Model<never, never>,
  "isContent" | "isFinal" | "usage"
>;

/** What `stream()` of a mapped model returns. */
export class MappedSource<Inner, Chunk> implements AsyncIterable<Chunk> {
  readonly source: StreamSource<Inner>;
  readonly predicates: InnerPredicates;
  readonly mapChunk: (chunk: Inner) => Chunk | readonly Chunk[] | undefined;

  constructor(
    source: StreamSource<Inner>,
    predicates: InnerPredicates,
    mapChunk: (chunk: Inner) => Chunk | readonly Chunk[] | undefined,
  ) {
    this.source = source;
    this.predicates = predicates;
    this.mapChunk = mapChunk;
  }

  /** For a reader that is not the engine. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, undefined> {
    for await (const chunk of this.source as AsyncIterable<Inner>) {
      yield* toArray(this.mapChunk(chunk));
    }
    return undefined;
  }
}

/** The chunks that a mapper has returned. An array is always several chunks. */
export function toArray<Chunk>(
  chunks: Chunk | readonly Chunk[] | undefined,
): readonly Chunk[] {
  if (chunks === undefined) return [];
  return Array.isArray(chunks) ? chunks : [chunks as Chunk];
}
