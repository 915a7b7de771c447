/** Options of {@linkcode LimitedBytesTransformStream}. */
export interface LimitedBytesTransformStreamOptions {
  /**
   * Whether a stream that exceeds the limit fails with a `RangeError`; otherwise
   * it ends there.
   *
   * @default {false}
   */
  error?: boolean;
}

/** Passes bytes through until the next chunk would exceed a limit. */
export class LimitedBytesTransformStream
  extends TransformStream<Uint8Array, Uint8Array> {
  /**
   * Constructs a stream.
   *
   * @param size The limit in bytes.
   * @param options Whether to fail at the limit.
   */
  constructor(size: number, options?: LimitedBytesTransformStreamOptions);
}
