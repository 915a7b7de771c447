// A first-in, first-out queue. `shift()` of a large array moves all of it.

/** A queue whose operations take constant time on average. */
export class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the oldest item. The queue must not be empty. */
  shift(): T {
    const item = this.#items[this.#head]!;
    // Nothing that was taken stays in memory.
    this.#items[this.#head++] = undefined as T;
    if (this.#head === this.#items.length) this.clear();
    return item;
  }

  /** Drops all items. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
