/** Whether snapshots are compared or written. */
export type SnapshotMode = "assert" | "update";

/** Options for {@linkcode assertSnapshot}. */
export type SnapshotOptions<T = unknown> = {
  /** The folder of the file, relative to that of the test. */
  dir?: string;
  /** Whether to compare or to write; by default, to write if the process got `--update`. */
  mode?: SnapshotMode;
  /** What to say when it does not match. */
  msg?: string;
  /** The name of the snapshot; by default, that of the test. */
  name?: string;
  /** The file, relative to the folder of the test. */
  path?: string;
  /** Turns the value into text. */
  serializer?: (actual: T) => string;
};

/** Throws if a value differs from its snapshot; writes it with `--update`. */
export function assertSnapshot<T>(
  context: Deno.TestContext,
  actual: T,
  options: SnapshotOptions<T>,
): Promise<void>;
/** The same, with a message for when it does not match. */
export function assertSnapshot<T>(
  context: Deno.TestContext,
  actual: T,
  message?: string,
): Promise<void>;
