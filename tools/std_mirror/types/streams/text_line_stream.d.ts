/** Options for {@linkcode TextLineStream}. */
export interface TextLineStreamOptions {
  /**
   * Whether a carriage return alone ends a line, too.
   *
   * @default {false}
   */
  allowCR?: boolean;
}

/** Splits text into lines, at `\n` and `\r\n`. */
export class TextLineStream extends TransformStream<string, string> {
  /**
   * Constructs a stream.
   *
   * @param options What ends a line.
   */
  constructor(options?: TextLineStreamOptions);
}
