// The stack that a model sees: each thing on it has a native one of its own, so
// that one that never closes holds up no other. When the attempt is over a door
// shuts: what still comes then is closed at once, so that a connection that
// comes back late leaks nothing.

/** What {@linkcode ModelContext.stack} is. */
export class ModelStack
  implements Pick<AsyncDisposableStack, "use" | "adopt" | "defer"> {
  /** How each is closed, the latest first; none until the first comes. */
  #steps: (() => Promise<void>)[] | undefined;
  #sealed = false;
  readonly #signal: AbortSignal;
  readonly #note: (error: unknown) => void;

  /**
   * @param signal The attempt's, whose reason late additions are refused with.
   * @param note Is given what closing a late addition threw.
   */
  constructor(signal: AbortSignal, note: (error: unknown) => void) {
    this.#signal = signal;
    this.#note = note;
  }

  use<T extends AsyncDisposable | Disposable | null | undefined>(value: T): T {
    return this.#add((stack) => stack.use(value));
  }

  adopt<T>(value: T, close: (value: T) => PromiseLike<void> | void): T {
    return this.#add((stack) => stack.adopt(value, close));
  }

  defer(close: () => PromiseLike<void> | void): void {
    this.#add((stack) => stack.defer(close));
  }

  #add<T>(add: (stack: AsyncDisposableStack) => T): T {
    const stack = new AsyncDisposableStack();
    const added = add(stack);
    const close = () => stack.disposeAsync();
    if (!this.#sealed) {
      (this.#steps ??= []).unshift(close);
      return added;
    }
    close().catch(this.#note);
    this.#signal.throwIfAborted();
    throw new ReferenceError("Cannot use the stack as its attempt has ended");
  }

  /** From now on, what is added is closed at once. */
  seal(): void {
    this.#sealed = true;
  }

  /** What closing it takes, in order. */
  closing(): (() => Promise<void>)[] {
    return this.#steps ?? [];
  }
}
