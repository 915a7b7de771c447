/** Reads a stream to its end as one text. */
export function toText(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<string>;
