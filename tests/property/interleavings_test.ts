// Interleavings that virtual time does not produce: each step of models and
// caller waits for a scheduler, which runs the steps in any order.

import { setImmediate } from "node:timers";
import {
  fallbackStream,
  type ModelContext,
  type StreamSource,
} from "@fallback/stream";
import { createJournal } from "@fallback/stream/testing";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { stub } from "@std/testing/mock";
import fc from "fast-check";

/** Distinguishes the hedge timer from close timeouts, which never fire here. */
const HEDGE_MS = 4242;

interface Behavior {
  refuses: boolean;
  failsAfter: number | undefined;
  /** The number of leading chunks that are not content. */
  preamble: number;
  chunks: number;
  stopsOnAbort: boolean;
  readable: boolean;
}

/** What happened to a model's stream. */
interface Seen {
  opened: boolean;
  ended: boolean;
  stops: number;
  closed: boolean;
  disposals: number;
  signal: AbortSignal;
}

const behavior: fc.Arbitrary<Behavior> = fc.record({
  refuses: fc.boolean(),
  failsAfter: fc.option(fc.nat(4), { nil: undefined }),
  preamble: fc.nat(2),
  chunks: fc.nat(5),
  stopsOnAbort: fc.boolean(),
  readable: fc.boolean(),
});

/** A model whose steps the scheduler runs. */
function scheduledModel(
  scheduler: fc.Scheduler,
  name: string,
  behavior: Behavior,
  seen: Seen[],
  hedged: boolean,
) {
  const turn = (what: string) =>
    scheduler.schedule(Promise.resolve(), `${name} ${what}`);
  const stream = async (
    _: unknown,
    { signal, stack }: ModelContext,
  ): Promise<StreamSource<string>> => {
    for (const { opened, ended, closed } of hedged ? [] : seen) {
      assert(!opened || ended || closed, "opened beside an open stream");
    }
    const me: Seen = {
      opened: false,
      ended: false,
      stops: 0,
      closed: false,
      disposals: 0,
      signal,
    };
    seen.push(me);
    stack.defer(() => void me.disposals++);
    const check = () => {
      if (behavior.stopsOnAbort) signal.throwIfAborted();
    };
    await turn("opens");
    check();
    if (behavior.refuses) throw new Error(`${name} refuses`);
    me.opened = true;
    let place = 0;
    const pull = async () => {
      await turn("pulls");
      try {
        check();
        if (place === behavior.failsAfter) throw new Error(`${name} fails`);
      } catch (error) {
        me.ended = true;
        throw error;
      }
      if (place < behavior.chunks) return `${name}${place++}`;
      me.ended = true;
    };
    const stop = async () => {
      me.stops++;
      await turn("closes");
      me.closed = true;
    };
    if (behavior.readable) {
      return new ReadableStream({
        async pull(controller) {
          const chunk = await pull();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: stop,
      }, { highWaterMark: 0 });
    }
    const iterator: AsyncIterator<string, undefined> = {
      async next() {
        const value = await pull();
        return value === undefined
          ? { done: true, value }
          : { done: false, value };
      },
      async return() {
        await stop();
        return { done: true, value: undefined };
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  };
  const isContent = (chunk: string) =>
    Number(chunk.slice(name.length)) >= behavior.preamble;
  return { name, stream, isContent };
}

for (const hedged of [false, true]) {
  const rules = hedged ? "R1–R19" : "R1–R16";
  Deno.test({
    name: `${rules} hold in 4,000 random interleavings of models and caller`,
    permissions: "none",
    fn: async () => {
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(behavior, { minLength: 1, maxLength: 3 }),
        fc.constantFrom("none", "abort", "return", "throw", "dispose"),
        fc.integer({ min: 1, max: 3 }),
        fc.constant(hedged),
        run,
      );
      await fc.assert(property, { numRuns: 4_000, seed: 7 });
    },
  });
}

/** Replaces hedge timers by tasks of the scheduler. */
function scheduleHedges(scheduler: fc.Scheduler): Disposable {
  const cleared = new Set<unknown>();
  const set = (fn: () => void, ms: number) => {
    const id = { valueOf: () => 0 };
    if (ms !== HEDGE_MS) return id;
    scheduler.schedule(Promise.resolve(), "a hedge is due")
      .then(() => cleared.has(id) || fn());
    return id;
  };
  const setting = stub(globalThis, "setTimeout", set as never);
  const clearing = stub(globalThis, "clearTimeout", (id) => {
    cleared.add(id);
  });
  return {
    [Symbol.dispose]() {
      setting.restore();
      clearing.restore();
    },
  };
}

async function run(
  scheduler: fc.Scheduler,
  behaviors: Behavior[],
  ends: string,
  readers: number,
  hedged: boolean,
): Promise<void> {
  using _ = scheduleHedges(scheduler);
  const journal = createJournal();
  const controller = new AbortController();
  const signal = journal.watch(controller.signal);
  const reason = new Error("stop");
  const seen: Seen[] = [];
  const models = behaviors.map((behavior, i) =>
    scheduledModel(scheduler, "abc"[i]!, behavior, seen, hedged)
  );
  const chunks: string[] = [];
  const errors: unknown[] = [];
  let modelsAtCommit = 0;

  const call = async () => {
    let stream;
    try {
      const hedge = { afterMs: HEDGE_MS, maxInFlight: 3 };
      const options = hedged ? { signal, hedge } : { signal };
      stream = await fallbackStream(models, "hi", options);
    } catch (error) {
      errors.push(error);
      return;
    }
    modelsAtCommit = seen.length;
    const read = async () => {
      for (;;) {
        await scheduler.schedule(Promise.resolve(), "the caller pulls");
        try {
          const { done, value } = await stream.next();
          if (done) return;
          chunks.push(value);
        } catch (error) {
          errors.push(error);
        }
      }
    };
    const close = async () => {
      if (ends === "none" || ends === "abort") return;
      await scheduler.schedule(Promise.resolve(), "the caller closes");
      if (ends === "return") await stream.return();
      if (ends === "dispose") await stream[Symbol.asyncDispose]();
      if (ends === "throw") await stream.throw(reason).catch(() => {});
    };
    await Promise.all([close(), ...Array.from({ length: readers }, read)]);
    assertEquals(seen.length, modelsAtCommit, "opened after commitment");
  };
  const abort = async () => {
    await scheduler.schedule(Promise.resolve(), "the signal aborts");
    if (ends === "abort") controller.abort(reason);
  };
  await scheduler.waitFor(Promise.all([call(), abort()]));
  // Wait for background work: streams that open too late.
  do {
    while (scheduler.count() > 0) await scheduler.waitOne();
    await new Promise((resolve) => void setImmediate(resolve));
  } while (scheduler.count() > 0);

  const model = chunks[0]?.[0] ?? "";
  const expected = Array.from(chunks, (_, i) => `${model}${i}`);
  assertEquals(chunks, expected, "one model's chunks, in order");
  assertLessOrEqual(errors.length, 1);
  for (const { opened, ended, stops, disposals, signal } of seen) {
    assertLessOrEqual(stops, 1);
    assert(!opened || ended || stops === 1, "left open");
    assertEquals(disposals, 1, "its stack");
    assert(signal.aborted || ended, "ended, but not aborted");
  }
  journal.assertClean();
}
