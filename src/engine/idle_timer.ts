// The timeout between two chunks. To set a timer for each chunk is expensive, so
// one timer looks at the deadline when it fires.

/** Fires when one wait lasts longer than `ms`. */
export class IdleTimer {
  readonly #ms: number;
  readonly #onIdle: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the wait has lasted too long; `Infinity` while there is none. */
  #deadline = Infinity;

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
    this.#deadline = Infinity;
  }

  /** There will be no other wait. */
  stop(): void {
    this.#deadline = Infinity;
    clearTimeout(this.#timer);
  }

  readonly #check = (): void => {
    this.#timer = undefined;
    if (this.#deadline === Infinity) return;
    const left = this.#deadline - Date.now();
    if (left <= 0) this.#onIdle();
    // The system's clock was set back: start this wait again, once.
    else if (left > this.#ms) this.start();
    else this.#timer = setTimeout(this.#check, left);
  };
}
