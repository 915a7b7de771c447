/**
 * A model that does what a script says.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { Model, ModelContext, StreamSource } from "../types/model.ts";
import { withoutTimerTracking } from "./_timers.ts";
import {
  createJournal,
  type Journal,
  type OpenCall,
  type OpenJournal,
} from "./journal.ts";
import { type Script, Step } from "./script.ts";

/** What a fake's `stream()` gives. */
export type SourceKind = "iterable" | "generator" | "readable";

/**
 * Options of {@linkcode fakeModel}.
 *
 * @typeParam Chunk The type of a chunk.
 */
export interface FakeModelOptions<Chunk> {
  /**
   * Where what happens is written; fakes of one test share one.
   *
   * @default {createJournal()}
   */
  journal?: Journal | undefined;
  /** {@linkcode Model.provider}. */
  provider?: string | undefined;
  /**
   * What `stream()` gives: a plain async iterable, an async generator, whose
   * `return()` queues behind a pending `next()`, or a `ReadableStream`.
   *
   * @default {"generator"}
   */
  kind?: SourceKind | undefined;
  /**
   * Whether waiting and hanging go on although the signal has aborted.
   *
   * @default {false}
   */
  ignoresAbort?: boolean | undefined;
  /** What happens when the stream is returned or cancelled. */
  closeScript?: readonly Step[] | undefined;
  /** Gives the source a `Symbol.asyncDispose` that does this. */
  disposeScript?: readonly Step[] | undefined;
  /** Puts on the attempt's stack something whose closing does this. */
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
  /** What was done to it, and to the others that share the journal. */
  readonly journal: Journal;
}

/**
 * Makes a model that plays a script in every call, or one script per call.
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
  // A script of nothing but steps would have them for its chunks.
  type Chunks = readonly Script<Exclude<Chunk, Step>>[];
  const scripts = ("scripts" in script ? script.scripts : [script]) as Chunks;
  if (scripts.length === 0 || !scripts.every(Array.isArray)) {
    throw new TypeError(
      `Cannot make a fake model as 'script' must be an array, or hold 'scripts': current value is ${script}`,
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

/** One call of a fake: its script, as far as it has been played. */
class ScriptPlayer<Chunk> {
  readonly #call: OpenCall;
  readonly #script: Script<Chunk>;
  readonly #options: FakeModelOptions<Chunk>;
  readonly #signal: AbortSignal;
  #place = 0;
  #pulling = false;

  constructor(
    model: string,
    script: Script<Chunk>,
    request: unknown,
    { signal, stack }: ModelContext,
    options: FakeModelOptions<Chunk>,
    journal: Journal,
  ) {
    const { disposeScript, stackScript } = options;
    const owes = [disposeScript && "dispose", stackScript && "stack"]
      .filter((way) => way !== undefined);
    const call = (journal as OpenJournal)
      .begin({ model, request, signal, owes });
    signal.addEventListener(
      "abort",
      () => call.write("abort", signal.reason),
      { once: true },
    );
    this.#call = call;
    this.#script = script;
    this.#options = options;
    this.#signal = signal;
    // Last: a stack that is sealed closes this at once.
    if (stackScript) stack.defer(() => this.#close("stack", stackScript));
  }

  /** Plays what belongs to opening. */
  async open(): Promise<StreamSource<Chunk>> {
    for (;;) {
      const step = this.#script[this.#place];
      if (!(step instanceof Step) || isEnd(step)) break;
      this.#place++;
      if (step.type === "open") break;
      await this.#play(step);
    }
    this.#call.opened = true;
    this.#call.write("open");
    return this.#source();
  }

  #pull(): Promise<IteratorResult<Chunk, undefined>> {
    if (this.#pulling) this.#call.complain("was pulled beside another pull");
    if (this.#call.ended) this.#call.complain("was pulled after its end");
    if (this.#call.closes.length) this.#call.complain("was pulled when closed");
    this.#pulling = true;
    this.#call.write("pull");
    const pulled = this.#next();
    const settle = () => {
      this.#pulling = false;
    };
    pulled.then(settle, settle);
    return pulled;
  }

  async #next(): Promise<IteratorResult<Chunk, undefined>> {
    for (;;) {
      if (!this.#options.ignoresAbort) this.#signal.throwIfAborted();
      const step = this.#script[this.#place++];
      if (this.#place > this.#script.length || isEnd(step)) {
        this.#call.ended = "end";
        this.#call.write("end");
        return { done: true, value: undefined };
      }
      if (!(step instanceof Step)) {
        this.#call.chunks++;
        this.#call.write("chunk", step);
        return { done: false, value: step as Chunk };
      }
      await this.#play(step);
    }
  }

  /** Plays a step that takes time or fails, as long as the signal allows. */
  async #play(step: Step): Promise<void> {
    try {
      await perform(
        step,
        this.#options.ignoresAbort ? undefined : this.#signal,
      );
    } catch (error) {
      this.#call.ended = "fail";
      this.#call.write("fail", error);
      throw error;
    }
  }

  async #close(way: string, steps: readonly Step[] = []): Promise<void> {
    this.#call.closes.push(way);
    this.#call.write("close", way);
    for (const step of steps) await perform(step, undefined);
    this.#call.write("closed", way);
  }

  #source(): StreamSource<Chunk> {
    const { kind = "generator", closeScript, disposeScript } = this.#options;
    const source = kind === "readable"
      ? this.#readable(closeScript)
      : kind === "iterable"
      ? this.#iterable(closeScript)
      : this.#generator(closeScript);
    if (!disposeScript) return source;
    const disposable = kind === "generator"
      ? { [Symbol.asyncIterator]: () => source as AsyncGenerator<Chunk> }
      : source;
    return Object.assign(disposable, {
      [Symbol.asyncDispose]: () => this.#close("dispose", disposeScript),
    });
  }

  #iterable(closeScript?: readonly Step[]): AsyncIterable<Chunk> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#pull(),
        return: async () => {
          await this.#close("return", closeScript);
          return { done: true, value: undefined };
        },
      }),
    };
  }

  #generator(closeScript?: readonly Step[]): AsyncGenerator<Chunk> {
    const pull = () => this.#pull();
    const generator = async function* () {
      for (;;) {
        const result = await pull();
        if (result.done) return;
        yield result.value;
      }
    }();
    // Here and not in a `finally`, so that it is seen also before the body has
    // begun, and while a pull is pending.
    const stop = generator.return.bind(generator);
    generator.return = async (value) => {
      const closing = this.#close("return", closeScript);
      const [result] = await Promise.all([stop(value), closing]);
      return result;
    };
    return generator;
  }

  #readable(closeScript?: readonly Step[]): ReadableStream<Chunk> {
    return new ReadableStream<Chunk>({
      pull: async (controller) => {
        const result = await this.#pull();
        if (result.done) controller.close();
        else controller.enqueue(result.value);
      },
      cancel: () => this.#close("cancel", closeScript),
    }, { highWaterMark: 0 });
  }
}

function isEnd(step: unknown): boolean {
  return step instanceof Step && /end|truncate/.test(step.type);
}

/** Lets time pass, or fails; `signal` ends it with its reason. */
async function perform(
  { type, ms, error }: Step,
  signal: AbortSignal | undefined,
): Promise<void> {
  switch (type) {
    case "wait":
      return await withoutTimerTracking(() =>
        delay(ms, signal ? { signal } : {})
      );
    case "fail":
      throw error;
    case "hang":
      return await new Promise((_, reject) => {
        const giveUp = () => reject(signal?.reason);
        if (signal?.aborted) giveUp();
        signal?.addEventListener("abort", giveUp, { once: true });
      });
  }
}
