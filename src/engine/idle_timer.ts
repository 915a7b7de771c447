// The clock between two chunks. One timer serves all pulls: it is not armed anew
// for each, but compares times when it fires, and rests while nobody waits.

/** Fires when one wait lasts longer than `ms`. */
export class IdleTimer {
  readonly #ms: number;
  readonly #onIdle: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadline: number | undefined;

  constructor(ms: number, onIdle: () => void) {
    this.#ms = ms;
    this.#onIdle = onIdle;
  }

  /** A wait begins. */
  start(): void {
    this.#deadline = Date.now() + this.#ms;
    this.#timer ??= setTimeout(this.#check, this.#ms);
  }

  /** The wait is over; the next may begin at any time. */
  pause(): void {
    this.#deadline = undefined;
  }

  /** There will be no other wait. */
  stop(): void {
    this.#deadline = undefined;
    clearTimeout(this.#timer);
  }

  readonly #check = (): void => {
    this.#timer = undefined;
    if (this.#deadline === undefined) return;
    const left = this.#deadline - Date.now();
    if (left <= 0) this.#onIdle();
    // The system's clock was set back: this wait begins anew, once.
    else if (left > this.#ms) this.start();
    else this.#timer = setTimeout(this.#check, left);
  };
}
