/** Options for {@linkcode LimitedBytesTransformStream}. */
export interface LimitedBytesTransformStreamOptions {
  /**
   * Whether too many bytes are an error, and not just the end.
   *
   * @default {false}
   */
  error?: boolean;
}

/** Lets whole chunks through until the next one would exceed a number of bytes. */
export class LimitedBytesTransformStream
  extends TransformStream<Uint8Array, Uint8Array> {
  /**
   * Constructs a stream with a limit.
   *
   * @param size How many bytes may pass.
   * @param options What happens when there are more.
   */
  constructor(size: number, options?: LimitedBytesTransformStreamOptions);
}
