/** Reads a stream to its end as one array of bytes. */
export function toBytes(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array>;
