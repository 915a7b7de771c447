// What a server says of its answer besides the chunks, for records, errors and
// telemetry. An iterator that knows it says so under this key. It is read when
// the attempt ends.

import type { Attempt } from "../types/attempt.ts";

/** The key of the note. */
export const finishNote: unique symbol = Symbol("finishNote");

/** What a server says of its answer. */
export interface FinishNote {
  /** The provider's `finish_reason`, if the model has stopped. */
  readonly reason: string | undefined;
  /** Whether it is one of the usual reasons, which records leave out. */
  readonly isUsual: boolean;
  /** What the server calls the model that has answered. */
  readonly model: string | undefined;
}

/** Something that may know what the server says. */
export interface NotedSource {
  readonly [finishNote]?: FinishNote | undefined;
}

const notes = new WeakMap<Attempt, FinishNote>();

/** Keeps the note of an attempt. */
export function keepFinishNote(record: Attempt, note: FinishNote): void {
  notes.set(record, note);
}

/** The note of an attempt that has ended. */
export function finishNoteOf(record: Attempt): FinishNote | undefined {
  return notes.get(record);
}
