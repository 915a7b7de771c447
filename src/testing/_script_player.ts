// One call of a fake model: it runs a script.

import { delay } from "@std/async/delay";
import type { ModelContext, StreamSource } from "../types/model.ts";
import { withoutTimerTracking } from "./_timers.ts";
import type { FakeModelOptions } from "./fake_model.ts";
import type { Journal, OpenCall, OpenJournal } from "./journal.ts";
import { type Script, Step } from "./script.ts";

/** One call of a fake, and how far it is in its script. */
export class ScriptPlayer<Chunk> {
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
    const expectedCloses = [disposeScript && "dispose", stackScript && "stack"]
      .filter((way) => way !== undefined);
    const call = (journal as OpenJournal)
      .begin({ model, request, signal, expectedCloses });
    signal.addEventListener("abort", () => call.write("abort", signal.reason));
    this.#call = call;
    this.#script = script;
    this.#options = options;
    this.#signal = signal;
    // Last: a stack that is sealed closes this at once.
    if (stackScript) stack.defer(() => this.#close("stack", stackScript));
  }

  /** Runs the steps before the stream opens. */
  async open(): Promise<StreamSource<Chunk>> {
    for (;;) {
      const step = this.#script[this.#place];
      if (!(step instanceof Step) || isEnd(step)) break;
      this.#place++;
      if (step.type === "open") break;
      await this.#runStep(step);
    }
    this.#call.opened = true;
    this.#call.write("open");
    return this.#source();
  }

  #pull(): Promise<IteratorResult<Chunk, undefined>> {
    if (this.#pulling) {
      this.#call.reportProblem("was pulled during another pull");
    }
    if (this.#call.ended) this.#call.reportProblem("was pulled after its end");
    if (this.#call.closes.length) {
      this.#call.reportProblem("was pulled when closed");
    }
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
      await this.#runStep(step);
    }
  }

  /** Runs a step that takes time or fails, as long as the signal allows. */
  async #runStep(step: Step): Promise<void> {
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
    // Not in a `finally`, because that runs neither before the first pull nor
    // while a pull is pending.
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
        signal?.addEventListener("abort", giveUp);
      });
  }
}
