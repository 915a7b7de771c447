// The stack that a model sees. Each entry has a native stack of its own, so that
// an entry that never closes does not block those below it. After `seal()`, new
// entries are closed at once and refused, so a connection that arrives late
// leaks nothing.

import type { CloseErrorOwner } from "./close.ts";

/** What {@linkcode ModelContext.stack} is. */
export class ModelStack
  implements Pick<AsyncDisposableStack, "use" | "adopt" | "defer"> {
  /** How each entry is closed, the earliest first. */
  #steps: (() => Promise<void>)[] | undefined;
  #sealed = false;
  readonly #signal: AbortSignal;
  readonly #owner: CloseErrorOwner;

  /**
   * @param signal The signal of the attempt. Late entries are refused with its
   * reason.
   * @param owner Receives what closing a late entry threw.
   */
  constructor(signal: AbortSignal, owner: CloseErrorOwner) {
    this.#signal = signal;
    this.#owner = owner;
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
      (this.#steps ??= []).push(close);
      return added;
    }
    close().catch((error) => this.#owner.noteCloseError(error));
    this.#signal.throwIfAborted();
    throw new ReferenceError("Cannot use the stack as its attempt has ended");
  }

  get isEmpty(): boolean {
    return this.#steps === undefined;
  }

  /** From now on, what is added is closed at once. */
  seal(): void {
    this.#sealed = true;
  }

  /** The steps of closing, in order. */
  closeSteps(): (() => Promise<void>)[] {
    return this.#steps?.toReversed() ?? [];
  }
}
