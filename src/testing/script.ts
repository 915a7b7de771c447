/**
 * What a fake does, as data: scripts of chunks and steps.
 *
 * @module
 */

/** What a {@linkcode Step} does. */
export type StepType = "wait" | "open" | "fail" | "hang" | "end" | "truncate";

/**
 * One step of a {@linkcode Script}, made by {@linkcode wait},
 * {@linkcode open}, {@linkcode fail}, {@linkcode hang}, {@linkcode end} or
 * {@linkcode truncate}. A class, so that no chunk can be mistaken for one.
 */
export class Step {
  // Makes the type nominal: no chunk type is taken for a step by its shape.
  readonly #type: StepType;
  /** How long a `wait` takes, in milliseconds. */
  readonly ms: number;
  /** What a `fail` throws. */
  readonly error: unknown;

  /**
   * Makes a step; the functions of this module say it shorter.
   *
   * @param type What the step does.
   * @param ms How long a `wait` takes, in milliseconds.
   * @param error What a `fail` throws.
   */
  constructor(type: StepType, ms = 0, error?: unknown) {
    this.#type = type;
    this.ms = ms;
    this.error = error;
  }

  /** What the step does. */
  get type(): StepType {
    return this.#type;
  }
}

/**
 * What a fake does in one call, in order. Every value that is not a
 * {@linkcode Step} is a chunk. The stream opens at `open()`, or else just
 * before the first chunk or at the end; what comes earlier belongs to opening.
 *
 * @typeParam Chunk The type of a chunk.
 */
export type Script<Chunk> = readonly (Chunk | Step)[];

/**
 * Waits, by the global timers.
 *
 * @param ms How long, in milliseconds.
 * @returns The step.
 *
 * @example An hour, which takes no time
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, virtualTime, wait } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const slow = fakeModel("slow", [wait(3_600_000), "Hello"]);
 * await virtualTime(async () => {
 *   await using stream = await fallbackStream([slow], "hi");
 *   assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * });
 * ```
 *
 * @throws {RangeError} If `ms` is not a number from 0 to 2,147,483,647.
 */
export function wait(ms: number): Step {
  if (!(ms >= 0 && ms <= 2_147_483_647)) {
    throw new RangeError(
      `Cannot wait as 'ms' must be a number from 0 to 2147483647: current value is ${ms}`,
    );
  }
  return new Step("wait", ms);
}

/**
 * Opens the stream: `stream()` gives its source.
 *
 * @returns The step.
 *
 * @example A stream that opens, and breaks off before its first chunk
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fail, fakeModel, open } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const model = fakeModel("a", [open(), fail(new Error("reset"))]);
 * await assertRejects(() => fallbackStream([model], "hi"), Error, "reset");
 * assertEquals(model.journal.calls[0]?.opened, true);
 * ```
 */
export function open(): Step {
  return new Step("open");
}

/**
 * Fails: refuses to open, or breaks the open stream off.
 *
 * @param error What is thrown.
 * @returns The step.
 *
 * @example A model that refuses
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const model = fakeModel("a", [fail(new Error("overloaded"))]);
 * await assertRejects(() => fallbackStream([model], "hi"), Error, "overload");
 * assertEquals(model.journal.calls[0]?.opened, false);
 * ```
 */
export function fail(error: unknown): Step {
  return new Step("fail", 0, error);
}

/**
 * Does nothing more until it is aborted; one that ignores that hangs for ever.
 *
 * @returns The step.
 *
 * @example A model that never answers
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, hang, virtualTime } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const models = [fakeModel("stuck", [hang()]), fakeModel("b", ["Hello"])];
 * const timeouts = { openMs: 2_000 };
 * await virtualTime(async () => {
 *   await using stream = await fallbackStream(models, "hi", { timeouts });
 *   assertEquals(stream.model, "b");
 * });
 * ```
 */
export function hang(): Step {
  return new Step("hang");
}

/**
 * Ends the stream properly, as the end of a script does.
 *
 * @returns The step.
 *
 * @example A stream of nothing
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { end, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const mute = fakeModel("mute", [end()]);
 * const options = { allowEmpty: true };
 * await using stream = await fallbackStream([mute], "hi", options);
 * assertEquals(await Array.fromAsync(stream), []);
 * ```
 */
export function end(): Step {
  return new Step("end");
}

/**
 * Ends the stream as a cut body does: without an error, and without whatever
 * marks the end of a complete answer. Of a `fakeModel`, where that is a chunk,
 * it is no more than {@linkcode end}.
 *
 * @returns The step.
 *
 * @example A body that is cut
 * ```ts
 * import { fallbackStream, TruncatedStreamError } from "@fallback/stream";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, truncate } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Once upon", truncate()]);
 * const model = openaiModel({ model: "a", fetch });
 * await using stream = await fallbackStream([model], { messages: [] });
 * await assertRejects(() => Array.fromAsync(stream), TruncatedStreamError);
 * ```
 */
export function truncate(): Step {
  return new Step("truncate");
}
