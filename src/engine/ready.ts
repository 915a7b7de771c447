// Chunks that have already arrived (R14). One network packet often brings
// several chunks. An iterator that has more of them says so by this method, so
// that a response writer can send them in one write. Nothing is read ahead.

/** The key of the method. */
export const takeReady: unique symbol = Symbol("takeReady");

/** Something that knows which chunks have arrived. */
export interface ReadySource<Chunk> {
  /** The next chunk if it has already arrived, else `undefined`. */
  [takeReady]?(): IteratorYieldResult<Chunk> | undefined;
}
