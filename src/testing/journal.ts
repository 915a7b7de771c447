/**
 * A log, with times, of everything that happened to the fakes.
 *
 * @module
 */

import { show } from "./_format_value.ts";
import { trackJournal } from "./_timers.ts";

/** An event of a fake. */
export type JournalEntryType =
  | "call"
  | "open"
  | "pull"
  | "chunk"
  | "end"
  | "fail"
  | "abort"
  | "close"
  | "closed";

/** One line of a {@linkcode Journal}. */
export interface JournalEntry {
  /** When, in milliseconds since the first entry. */
  readonly at: number;
  /** The name of the fake. */
  readonly model: string;
  /** Which call of the journal it belongs to, from 1. */
  readonly call: number;
  /** The kind of event. */
  readonly type: JournalEntryType;
  /**
   * The request, the chunk, the error or the abort's reason; of a `close` and
   * a `closed` the way: `"return"`, `"cancel"`, `"dispose"` or `"stack"`.
   */
  readonly value: unknown;
}

/** One call of a fake's `stream()`, as far as it has come. */
export interface FakeCall {
  /** The name of the fake. */
  readonly model: string;
  /** Which call of the journal it is, from 1. */
  readonly call: number;
  /** The request. */
  readonly request: unknown;
  /** The signal of the call. */
  readonly signal: AbortSignal;
  /** Whether its stream has opened. */
  readonly opened: boolean;
  /** How it ended by itself, if it did. */
  readonly ended: "end" | "fail" | undefined;
  /** How many chunks were pulled from it. */
  readonly chunks: number;
  /** The ways in which it was closed, in order. */
  readonly closes: readonly string[];
}

/** A call, as its fake writes it. */
export interface OpenCall extends FakeCall {
  opened: boolean;
  ended: "end" | "fail" | undefined;
  chunks: number;
  readonly closes: string[];
  /** The ways in which it has to be closed besides `return` or `cancel`. */
  readonly expectedCloses: readonly string[];
  write(type: JournalEntryType, value?: unknown): void;
  /** Reports a use of the stream that is never allowed. */
  reportProblem(problem: string): void;
}

/** Everything that happened to the fakes that share it. */
export interface Journal {
  /** The entries, in the order in which things happened. */
  readonly entries: readonly JournalEntry[];
  /** The calls, in order. */
  readonly calls: readonly FakeCall[];
  /**
   * Counts the listeners that are put on a signal and not removed.
   *
   * @param signal The caller's signal, before it is handed to anybody.
   * @returns The same signal.
   */
  watch(signal: AbortSignal): AbortSignal;
  /**
   * Throws one error that lists everything that is wrong: a stream that was
   * left open or closed twice, a stack or a disposable source that was not
   * closed exactly once, a pull during another pull or after the end, an attempt
   * that has ended without an abort of its signal, a listener left on a watched
   * signal, a timer left when {@linkcode virtualTime} ended.
   *
   * @throws {Error} If anything is wrong.
   */
  assertClean(): void;
  /**
   * Formats the entries, stable for snapshots.
   *
   * @returns A line for each.
   */
  toString(): string;
}

/** A journal, as the fakes write it. */
export interface OpenJournal extends Journal {
  begin(
    call: Pick<OpenCall, "model" | "request" | "signal" | "expectedCloses">,
  ): OpenCall;
  reportProblem(problem: string): void;
}

/**
 * Makes an empty journal, to be shared by the fakes of one test.
 *
 * @returns The journal.
 *
 * @example Which models were called, and whether all streams were closed
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { createJournal, fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const journal = createJournal();
 * const models = [
 *   fakeModel("a", [step.fail(new Error("overloaded"))], { journal }),
 *   fakeModel("b", ["Hel", "lo"], { journal }),
 * ];
 * for await (const _ of await fallbackStream(models, "hi")) break;
 * assertEquals(journal.calls.map(({ model }) => model), ["a", "b"]);
 * journal.assertClean();
 * ```
 */
export function createJournal(): Journal {
  return new Recorder();
}

class Recorder implements OpenJournal {
  readonly entries: JournalEntry[] = [];
  readonly calls: OpenCall[] = [];
  readonly #problems: string[] = [];
  /** The listeners of watched signals, each with its type. */
  readonly #listeners = new Map<object, string>();
  #start: number | undefined;

  begin(
    { model, request, signal, expectedCloses }: Pick<
      OpenCall,
      "model" | "request" | "signal" | "expectedCloses"
    >,
  ): OpenCall {
    const number = this.calls.length + 1;
    const call: OpenCall = {
      model,
      call: number,
      request,
      signal,
      expectedCloses,
      opened: false,
      ended: undefined,
      chunks: 0,
      closes: [],
      write: (type, value) => {
        trackJournal(this);
        this.#start ??= Date.now();
        const at = Date.now() - this.#start;
        this.entries.push({ at, model, call: number, type, value });
      },
      reportProblem: (problem) =>
        this.reportProblem(`${model}#${number} ${problem}`),
    };
    this.calls.push(call);
    call.write("call", request);
    return call;
  }

  reportProblem(problem: string): void {
    this.#problems.push(problem);
  }

  watch(signal: AbortSignal): AbortSignal {
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (type: string, listener: object, ...rest: []) => {
      this.#listeners.set(listener, type);
      addEventListener.call(signal, type, listener as EventListener, ...rest);
    };
    signal.removeEventListener = (type: string, listener: object) => {
      if (this.#listeners.get(listener) === type) {
        this.#listeners.delete(listener);
      }
      removeEventListener.call(signal, type, listener as EventListener);
    };
    return signal;
  }

  assertClean(): void {
    const problems = [...this.#problems, ...this.calls.flatMap(problemsOf)];
    const { size } = this.#listeners;
    if (size > 0) problems.push(`${size} listeners are left on a signal`);
    if (problems.length === 0) return;
    throw new Error(
      ["The journal is not clean:", ...problems, "", `${this}`].join("\n"),
    );
  }

  toString(): string {
    return this.entries.map(({ at, model, call, type, value }) => {
      const line = `${String(at).padStart(6)} ${model}#${call} ${type}`;
      return value === undefined ? line : `${line} ${show(value)}`;
    }).join("\n");
  }
}

function problemsOf(call: OpenCall): string[] {
  const { model, opened, ended, closes, expectedCloses, signal } = call;
  const problems: string[] = [];
  const stops = closes.filter((way) => /return|cancel/.test(way)).length;
  if (opened && !ended && stops === 0) problems.push("was left open");
  if (stops > 1) problems.push(`was closed ${stops} times`);
  for (const way of expectedCloses) {
    const times = closes.filter((other) => other === way).length;
    // A source is disposed of only once there is one.
    if (times === 1 || (way === "dispose" && !opened)) continue;
    problems.push(`had its ${way} closed ${times} times`);
  }
  if (ended !== "end" && !signal.aborted) {
    problems.push("is over, but its signal did not abort");
  }
  return problems.map((problem) => `${model}#${call.call} ${problem}`);
}
