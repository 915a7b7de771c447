/**
 * The steps of a script: `step.fail(error)`, `step.wait(100)` and others.
 *
 * @module
 */

import { Step } from "./script.ts";

/**
 * Waits, by the global timers.
 *
 * @param ms How long, in milliseconds.
 * @returns The step.
 *
 * @example An hour, which takes no time
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const slow = fakeModel("slow", [step.wait(3_600_000), "Hello"]);
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
 * Opens the stream: `stream()` resolves with its source.
 *
 * @returns The step.
 *
 * @example A stream that opens, and breaks off before its first chunk
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const model = fakeModel("a", [step.open(), step.fail(new Error("reset"))]);
 * await assertRejects(() => fallbackStream([model], "hi"), Error, "reset");
 * assertEquals(model.journal.calls[0]?.opened, true);
 * ```
 */
export function open(): Step {
  return new Step("open");
}

/**
 * Fails: rejects the opening, or breaks off the open stream.
 *
 * @param error The error to throw.
 * @returns The step.
 *
 * @example A model that fails to open
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const model = fakeModel("a", [step.fail(new Error("overloaded"))]);
 * await assertRejects(() => fallbackStream([model], "hi"), Error, "overload");
 * assertEquals(model.journal.calls[0]?.opened, false);
 * ```
 */
export function fail(error: unknown): Step {
  return new Step("fail", 0, error);
}

/**
 * Hangs until aborted, and for ever if the fake ignores the abort.
 *
 * @returns The step.
 *
 * @example A model that never answers
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const models = [fakeModel("stuck", [step.hang()]), fakeModel("b", ["Hello"])];
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
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const mute = fakeModel("mute", [step.end()]);
 * const options = { allowEmpty: true };
 * await using stream = await fallbackStream([mute], "hi", options);
 * assertEquals(await Array.fromAsync(stream), []);
 * ```
 */
export function end(): Step {
  return new Step("end");
}

/**
 * Ends the stream as a truncated body does: without an error, and without what
 * marks the end of a complete answer. For a `fakeModel` that is a chunk, so that
 * it does the same as {@linkcode end}.
 *
 * @returns The step.
 *
 * @example A truncated body
 * ```ts
 * import { fallbackStream, TruncatedStreamError } from "@fallback/stream";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, step } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Once upon", step.truncate()]);
 * const model = openaiModel({ model: "a", fetch });
 * await using stream = await fallbackStream([model], { messages: [] });
 * await assertRejects(() => Array.fromAsync(stream), TruncatedStreamError);
 * ```
 */
export function truncate(): Step {
  return new Step("truncate");
}
