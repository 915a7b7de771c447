/** Reads a stream to its end into one buffer. */
export function toArrayBuffer(
  readableStream: ReadableStream<Uint8Array>,
): Promise<ArrayBuffer>;
