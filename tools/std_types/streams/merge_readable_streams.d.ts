/** One stream that has the chunks of all, as they come. */
export function mergeReadableStreams<T>(
  ...streams: ReadableStream<T>[]
): ReadableStream<T>;
