/**
 * A model that follows a script.
 *
 * @module
 */

import { describeValue } from "../_shared/error_text.ts";
import { getProperty } from "../_shared/safe_access.ts";
import type { Model } from "../types/model.ts";
import { ScriptPlayer } from "./_script_player.ts";
import { createJournal, type Journal } from "./journal.ts";
import type { Script, Step } from "./script.ts";

/** The kind of stream that a fake's `stream()` returns. */
export type SourceKind = "iterable" | "generator" | "readable";

/**
 * Options of {@linkcode fakeModel}.
 *
 * @typeParam Chunk The type of a chunk.
 */
export interface FakeModelOptions<Chunk> {
  /**
   * The journal that it writes to; the fakes of one test share one.
   *
   * @default {createJournal()}
   */
  journal?: Journal | undefined;
  /** {@linkcode Model.provider}. */
  provider?: string | undefined;
  /**
   * The result of `stream()`: a plain async iterable, an async generator, whose
   * `return()` queues behind a pending `next()`, or a `ReadableStream`.
   *
   * @default {"generator"}
   */
  kind?: SourceKind | undefined;
  /**
   * Whether `wait()` and `hang()` ignore the abort signal.
   *
   * @default {false}
   */
  ignoresAbort?: boolean | undefined;
  /** The steps when the stream is returned or canceled. */
  closeScript?: readonly Step[] | undefined;
  /** Gives the source a `Symbol.asyncDispose` that does this. */
  disposeScript?: readonly Step[] | undefined;
  /** Puts something on the attempt's stack that does this when it is closed. */
  stackScript?: readonly Step[] | undefined;
  /** {@linkcode Model.isContent}. */
  isContent?: ((chunk: Chunk) => boolean) | undefined;
  /** {@linkcode Model.isFinal}. */
  isFinal?: ((chunk: Chunk) => boolean) | undefined;
}

/**
 * A model that {@linkcode fakeModel} made.
 *
 * @typeParam Chunk The type of a chunk.
 */
export interface FakeModel<Chunk> extends Model<unknown, Chunk> {
  /** The events of this model, and of the others that share the journal. */
  readonly journal: Journal;
}

/**
 * Makes a model that follows a script in every call, or one script per call.
 *
 * @typeParam Chunk The type of a chunk; inferred from the script.
 * @param name The model's name.
 * @param script What every call does, or `scripts`, one per call, of which the
 * last repeats.
 * @param options How its streams behave.
 * @returns The model.
 *
 * @example Refuse the first call, answer the second
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const model = fakeModel("flaky", {
 *   scripts: [[step.fail(new Error("overloaded"))], ["Hel", "lo"]],
 * });
 * await assertRejects(() => fallbackStream([model], "hi"), Error, "overloaded");
 * await using stream = await fallbackStream([model], "hi");
 * assertEquals(await Array.fromAsync(stream), ["Hel", "lo"]);
 * ```
 *
 * @throws {TypeError} If a script is no array.
 * @throws {TypeError} If `scripts` is empty.
 */
export function fakeModel<Chunk>(
  name: string,
  script: Script<Chunk> | { readonly scripts: readonly Script<Chunk>[] },
  options: FakeModelOptions<Exclude<Chunk, Step>> = {},
): FakeModel<Exclude<Chunk, Step>> {
  // The chunks of a script of nothing but steps would be inferred as steps.
  type Chunks = readonly Script<Exclude<Chunk, Step>>[];
  const scripts = (getProperty(script, "scripts") ?? [script]) as Chunks;
  if (!Array.isArray(scripts) || !scripts[0] || !scripts.every(Array.isArray)) {
    throw new TypeError(
      `Cannot make a fake model as 'script' must be an array, or hold 'scripts': current value is ${
        describeValue(script)
      }`,
    );
  }
  const { isContent, isFinal, provider } = options;
  const journal = options.journal ?? createJournal();
  let calls = 0;
  return {
    name,
    journal,
    ...(provider !== undefined && { provider }),
    ...(isContent && { isContent }),
    ...(isFinal && { isFinal }),
    stream(request, context) {
      const script = scripts[calls++] ?? scripts.at(-1)!;
      return new ScriptPlayer(name, script, request, context, options, journal)
        .open();
    },
  };
}
