import type { DelayOptions } from "../async/delay.d.ts";

export type { DelayOptions };

/** The error for what cannot be done as time is faked, or as it is not. */
export class TimeError extends Error {
  /**
   * Constructs an error.
   *
   * @param message What cannot be done, and why.
   */
  constructor(message: string);
}

/** Options for {@linkcode FakeTime}. */
export interface FakeTimeOptions {
  /** How fast fake time goes by itself, compared with real time; 0 for not at all. */
  advanceRate: number;
  /**
   * How often it is moved on, in real milliseconds.
   *
   * @default {10}
   */
  advanceFrequency?: number;
}

/** Replaces `Date` and the timers by ones that are moved by hand, until restored. */
export class FakeTime {
  /**
   * Fakes time from now on. Only one can do so at a time.
   *
   * @param start What time it is at first; by default, what it really is.
   * @param options Whether it goes on by itself.
   */
  constructor(start?: number | string | Date | null, options?: FakeTimeOptions);

  /** Restores real time at the end of the scope. */
  [Symbol.dispose](): void;

  /** Restores real time. */
  static restore(): void;

  /**
   * Runs a function in real time.
   *
   * @param callback The function.
   * @param args What it is called with.
   */
  static restoreFor<T>(
    // deno-lint-ignore no-explicit-any -- as std declares it
    callback: (...args: any[]) => Promise<T> | T,
    // deno-lint-ignore no-explicit-any -- as std declares it
    ...args: any[]
  ): Promise<T>;

  /** The fake time in milliseconds since the epoch. Setting it runs the timers up to then. */
  get now(): number;
  set now(value: number);

  /** When fake time started, in milliseconds since the epoch. */
  get start(): number;

  /**
   * Waits in real time.
   *
   * @param ms For how many milliseconds.
   * @param options What else can end the wait.
   */
  delay(ms: number, options?: DelayOptions): Promise<void>;

  /** Lets everything run that waits for no timer. */
  runMicrotasks(): Promise<void>;

  /**
   * Moves time on, and runs the timers up to then.
   *
   * @param ms By how many milliseconds.
   */
  tick(ms?: number): void;

  /**
   * Lets pending promises run, then moves time on.
   *
   * @param ms By how many milliseconds.
   */
  tickAsync(ms?: number): Promise<void>;

  /** Moves time on to the next timer, and runs it. Returns whether there was one. */
  next(): boolean;

  /** Lets pending promises run, then moves time on to the next timer. */
  nextAsync(): Promise<boolean>;

  /** Runs timers until none is left. */
  runAll(): void;

  /** Runs timers and what they resolve until none is left. */
  runAllAsync(): Promise<void>;

  /** Restores real time. */
  restore(): void;
}
