// What every library is driven through: the same fakes with the same scripts,
// behind whatever a library takes for a model, and the answer as chunks that
// mean the same everywhere.

import { createJournal, type Journal, Step } from "@fallback/stream/testing";
import { APICallError, type LanguageModelV4StreamPart } from "@ai-sdk/provider";

/** A part of an answer, as the AI SDK has it. */
export type Part = LanguageModelV4StreamPart;

/** A chunk of an answer, whatever the library makes of it on the way. */
export interface Chunk {
  /** An error event inside an open stream is one too. */
  readonly kind: "metadata" | "text" | "final" | "error";
  /** What the table shows: `A0` is the first text of model A, `Am` its metadata. */
  readonly text: string;
  /** What an error event says. */
  readonly error?: unknown;
}

export type Line = Chunk | Step;

/** A model, as its fake will play it. */
export interface Spec {
  readonly name: string;
  /** A script for each call, of which the last repeats. */
  readonly scripts: readonly (readonly Line[])[];
  readonly ignoresAbort?: boolean;
}

/**
 * What the caller wants beyond falling back. A library that has it is told; one
 * that has not is left as it is, and the table shows what happens then.
 */
export interface Needs {
  /**
   * Nothing within `firstContentMs`, or nothing more within `idleMs`, is a failure,
   * and no call is longer than `totalMs`. A library with one clock gets the
   * first of them, for only that finds a silent model in time.
   */
  readonly clocks?: {
    readonly firstContentMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
  /** How often each model may be asked. */
  readonly attempts?: number;
  /** Whether only the statuses 5xx are reasons to fall back. */
  readonly only5xx?: boolean;
  /** Whether an answer without any text is none. */
  readonly notEmpty?: boolean;
  /** Whether a model that was down is remembered. */
  readonly memory?: boolean;
  /** Asks the next model beside one that is silent for so long. */
  readonly hedgeMs?: number;
  /** Asks the next model to go on where a cut answer stopped. */
  readonly goOn?: boolean;
}

/** What makes calls; made once, as an application would. */
export interface Caller {
  /**
   * Asks, and gives the answer. Iterating throws what the caller is told.
   *
   * @param signal The caller's own.
   * @param told Gets what the library says beside the answer about what failed.
   */
  call(signal?: AbortSignal, told?: unknown[]): AsyncIterable<Chunk>;
}

/** Gives a new answer, or throws. Its parts are those of the AI SDK. */
export type Source = () => AsyncIterable<Part> | ReadableStream<Part>;

/** Opens one answer from a list of sources. */
export type Open = () =>
  | AsyncIterable<unknown>
  | Promise<AsyncIterable<unknown>>;

/** One way to use a library. */
export interface Way {
  readonly name: string;
  /** What the chart calls it. */
  readonly label: string;
  /** The smallest module that imports it, in `entries/`. */
  readonly entry: string;
  /** Whether it takes a `ReadableStream` and nothing else. */
  readonly readableOnly?: true;
  /**
   * The same with nothing around it that costs time. What has no state of a
   * call is made once; what has, for every call, or calls would be mixed up.
   */
  bare(sources: readonly Source[]): Open;
  /**
   * @param need What the library is told, as far as it has that.
   * @returns The caller, or nothing if this way has no such thing at all.
   */
  make(
    specs: readonly Spec[],
    journal: Journal,
    need: Needs,
  ): Caller | undefined;
}

/** A library, with each way of using it of which the results differ. */
export interface Library {
  readonly name: string;
  readonly version: string;
  /** The module that this is from. */
  readonly module: string;
  readonly ways: readonly Way[];
}

/** A signal of which nobody will ever hear. */
export const never: AbortSignal = new AbortController().signal;

/** A failure as the AI SDK's providers throw it, which all libraries know. */
export function failure(message: string, statusCode = 503): APICallError {
  return new APICallError({
    message,
    url: "https://example.com/",
    requestBodyValues: {},
    statusCode,
  });
}

export function is5xx(error: unknown): boolean {
  return Object(error).statusCode >= 500;
}

export function metadata(model: string): Chunk {
  return { kind: "metadata", text: `${model}m` };
}

/** Some texts of a model, from a number on. */
export function texts(model: string, count: number, from = 0): Chunk[] {
  return Array.from(
    { length: count },
    (_, i) => ({ kind: "text", text: `${model}${from + i}` }),
  );
}

export const final: Chunk = { kind: "final", text: "" };

/** An error event inside a stream that stays open. */
export function errorEvent(error: unknown): Chunk {
  return { kind: "error", text: "", error };
}

/** A whole answer. */
export function answer(model: string, count = 3): Chunk[] {
  return [metadata(model), ...texts(model, count), final];
}

export { createJournal, type Journal, Step };
