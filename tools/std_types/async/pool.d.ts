/**
 * Maps items, several at a time, and gives the results in the items' order.
 *
 * @param poolLimit How many may run at once.
 * @param array The items.
 * @param iteratorFn What to do with each.
 */
export function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R>;
