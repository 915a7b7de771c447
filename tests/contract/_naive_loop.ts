// The obvious implementation with `await using`. It works as long as every model
// behaves; the test suites must detect what it does wrong otherwise.

import type { Model } from "@fallback/stream";
import type { Subject } from "./contract.ts";

async function fallbackStream(
  models: Parameters<Subject["fallbackStream"]>[0],
  request: unknown,
  { signal, isContent }: Parameters<Subject["fallbackStream"]>[2] = {},
) {
  const errors: unknown[] = [];
  for (const [index, given] of models.entries()) {
    const model = typeof given === "function"
      ? { name: given.name, stream: given }
      : given;
    await using stack = new AsyncDisposableStack();
    try {
      const source = await model.stream(request, {
        signal: signal ?? new AbortController().signal,
        stack,
        model: model.name,
        attemptNumber: index + 1,
      });
      const chunks = (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      stack.defer(async () => void await chunks.return?.());
      const buffered = [];
      let result = await chunks.next();
      while (!result.done && isContent?.(result.value) === false) {
        buffered.push(result.value);
        result = await chunks.next();
      }
      if (result.done) throw new Error("the stream was empty");
      return toStream(
        model.name,
        [...buffered, result.value],
        chunks,
        stack.move(),
      );
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, "All models failed");
}

function toStream(
  model: string,
  buffered: unknown[],
  chunks: AsyncIterator<unknown>,
  stack: AsyncDisposableStack,
) {
  const generator = async function* () {
    yield* buffered;
    for (;;) {
      const { done, value } = await chunks.next();
      if (done) return;
      yield value;
    }
  }();
  return Object.assign(generator, {
    model,
    attempts: [],
    toReadableStream: () => ReadableStream.from(generator),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  });
}

function fallbackModel(
  models: readonly Model<unknown, unknown>[],
  options?: Parameters<Subject["fallbackModel"]>[1],
) {
  return {
    name: `fallback:${models.map(({ name }) => name)}`,
    stream: (request: unknown) => fallbackStream(models, request, options),
  };
}

/** The naive implementation, to be tested like the right one. */
export const naive = { fallbackStream, fallbackModel } as unknown as Subject;
