// A stream of ours as a ReadableStream that reads nothing ahead.

/** What is needed of a stream of ours. */
interface Pullable<Chunk> {
  next(): Promise<IteratorResult<Chunk, undefined>>;
  return(): Promise<unknown>;
}

/** The rest of `stream`; canceling it closes the model's stream. */
export function toReadableStream<Chunk>(
  stream: Pullable<Chunk>,
): ReadableStream<Chunk> {
  return new ReadableStream<Chunk>({
    async pull(controller) {
      const { done, value } = await stream.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await stream.return();
    },
  }, { highWaterMark: 0 });
}
