// Why a model has stopped, for records and errors. An iterator that knows says
// so under this key. It is read when the stream has ended.

/** The key of the note. */
export const finishNote: unique symbol = Symbol("finishNote");

/** Why a model has stopped. */
export interface FinishNote {
  /** The reason, in the provider's word. */
  readonly reason: string;
  /** Whether it is one of the usual reasons, which records leave out. */
  readonly isUsual: boolean;
}

/** Something that may know why the model has stopped. */
export interface NotedSource {
  readonly [finishNote]?: FinishNote | undefined;
}
