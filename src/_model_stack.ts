// The stack that a model sees: a native one underneath, made when it is first
// used, and a door that shuts when the attempt is over. What still comes then
// is closed at once, so that a connection that comes back late leaks nothing.

/** What {@linkcode ModelContext.stack} is. */
export class ModelStack
  implements Pick<AsyncDisposableStack, "use" | "adopt" | "defer"> {
  #stack: AsyncDisposableStack | undefined;
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
    if (!this.#sealed) return add(this.#stack ??= new AsyncDisposableStack());
    const late = new AsyncDisposableStack();
    add(late);
    late.disposeAsync().catch(this.#note);
    this.#signal.throwIfAborted();
    throw new ReferenceError("Cannot use the stack as its attempt has ended");
  }

  /** From now on, what is added is closed at once. */
  seal(): void {
    this.#sealed = true;
  }

  /** What closing it takes: nothing, if the model put nothing here. */
  closing(): (() => unknown)[] {
    const stack = this.#stack;
    return stack ? [() => stack.disposeAsync()] : [];
  }
}
