// A stream of ours as a ReadableStream that reads nothing ahead.

import type { FallbackStream } from "./types.ts";

/** The rest of `stream`; cancelling it closes the model's stream. */
export function toReadableStream<Chunk>(
  stream: FallbackStream<Chunk>,
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
