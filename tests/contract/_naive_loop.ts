// The obvious loop, as anybody would write it who knows `await using`. It looks
// right, and answers where every model behaves; the suites have to see what it
// does where they do not.

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
      const held = [];
      let result = await chunks.next();
      while (!result.done && isContent?.(result.value) === false) {
        held.push(result.value);
        result = await chunks.next();
      }
      if (result.done) throw new Error("nothing came");
      return answer(model.name, [...held, result.value], chunks, stack.move());
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, "All models failed");
}

function answer(
  model: string,
  held: unknown[],
  chunks: AsyncIterator<unknown>,
  stack: AsyncDisposableStack,
) {
  const generator = async function* () {
    yield* held;
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

/** The naive loop, to be judged like the right implementation. */
export const naive = { fallbackStream, fallbackModel } as unknown as Subject;
