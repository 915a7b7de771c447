// The common interface of the libraries: the same fakes with the same scripts,
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
  /** The text in the table: `A0` is the first text of model A, `Am` its metadata. */
  readonly text: string;
  /** The error of an error event. */
  readonly error?: unknown;
}

export type Line = Chunk | Step;

/** A fake model and its scripts. */
export interface Spec {
  readonly name: string;
  /** A script for each call, of which the last repeats. */
  readonly scripts: readonly (readonly Line[])[];
  readonly ignoresAbort?: boolean;
}

/**
 * What the caller wants beyond falling back. A library that has a setting
 * for it gets that setting. Another is left as it is, and the table shows the result.
 */
export interface Needs {
  /**
   * Nothing within `firstContentMs`, or nothing more within `idleMs`, is a failure,
   * and no call is longer than `totalMs`. A library with a single timeout gets
   * `firstContentMs`, because only that detects a silent model in time.
   */
  readonly timeouts?: {
    readonly firstContentMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
  /** The maximum number of calls per model. */
  readonly attempts?: number;
  /** Whether only the statuses 5xx are reasons to fall back. */
  readonly only5xx?: boolean;
  /** Whether an answer without any text is a failure. */
  readonly notEmpty?: boolean;
  /** Whether a model that was down is skipped for a while. */
  readonly memory?: boolean;
  /** Calls the next model in parallel after this much silence. */
  readonly hedgeMs?: number;
  /** Whether the next model continues a truncated answer. */
  readonly continues?: boolean;
}

/** Makes calls. It is created once, as in an application. */
export interface Caller {
  /**
   * Starts a call. Iterating throws the error that the caller gets.
   *
   * @param signal Cancels the call.
   * @param reported Gets the failures that the library reports besides the answer.
   */
  call(signal?: AbortSignal, reported?: unknown[]): AsyncIterable<Chunk>;
}

/** Returns a new answer, or throws. Its parts are those of the AI SDK. */
export type Source = () => AsyncIterable<Part> | ReadableStream<Part>;

/** Opens one answer from a list of sources. */
export type Open = () =>
  | AsyncIterable<unknown>
  | Promise<AsyncIterable<unknown>>;

/** One way to use a library. */
export interface Way {
  readonly name: string;
  /** The label in the chart. */
  readonly label: string;
  /** The smallest module that imports it, in `entries/`. */
  readonly entry: string;
  /** Whether it takes a `ReadableStream` and nothing else. */
  readonly readableOnly?: true;
  /**
   * The same without the test code, for measurements. Objects without the state
   * of a call are created once; others for every call, or calls would mix.
   */
  bare(sources: readonly Source[]): Open;
  /**
   * @param need The settings, as far as the library has them.
   * @returns The caller, or `undefined` if this way supports none of them.
   */
  make(
    specs: readonly Spec[],
    journal: Journal,
    need: Needs,
  ): Caller | undefined;
}

/** A library, with the ways of using it whose results differ. */
export interface Library {
  readonly name: string;
  readonly version: string;
  /** The module that this is from. */
  readonly module: string;
  readonly ways: readonly Way[];
}

/** A signal that never aborts. */
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
