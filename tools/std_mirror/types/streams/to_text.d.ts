/**
 * Reads a stream to its end as one string.
 *
 * @param stream The stream of strings or of UTF-8 bytes.
 * @returns The text.
 */
export declare function toText(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<string>;
