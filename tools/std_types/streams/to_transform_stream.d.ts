/**
 * Makes a transform stream of a generator.
 *
 * @param transformer The generator, which reads the stream that it is given.
 * @param writableStrategy How much may be queued before it.
 * @param readableStrategy How much may be queued after it.
 */
export function toTransformStream<I, O>(
  transformer: (src: ReadableStream<I>) => Iterable<O> | AsyncIterable<O>,
  writableStrategy?: QueuingStrategy<I>,
  readableStrategy?: QueuingStrategy<O>,
): TransformStream<I, O>;
