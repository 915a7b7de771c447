// Closing: R10 to R13.

import type { ModelContext, ModelFunction } from "../../src/types/model.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
  done,
  errorOf,
  eventLog,
  isContent,
  pass,
  read,
  rule,
  type RuleCase,
  stopOf,
} from "./_context.ts";

/** The cases of R10 to R13. */
export const closing: RuleCase[] = [
  rule(
    "R10",
    "fallbackStream() closes a stream exactly once when it opens after its attempt was abandoned",
    async ({ fallbackStream, fake, kind, journal }) => {
      const late = fake("late", [step.wait(50), "l0"], {
        ignoresAbort: true,
        disposeScript: [],
        stackScript: [],
      });
      const stream = await fallbackStream(
        [late, fake("b", ["b0", step.wait(100), "b1"])],
        "hi",
        { timeouts: { openMs: 10 } },
      );
      assertSame(Date.now(), 10, "the time of the answer");
      assertSame(await read(stream), ["b0", "b1"], "chunks");
      assertSame(
        eventLog(journal).filter((line) => line.startsWith("late")),
        [
          "late call",
          "late abort",
          "late close stack",
          "late closed stack",
          "late open",
          `late close ${stopOf(kind)}`,
          "late close dispose",
          `late closed ${stopOf(kind)}`,
          "late closed dispose",
        ].sort((a, b) => rank(a) - rank(b)),
        "what happened",
      );
      function rank(line: string): number {
        return [
          "call",
          "abort",
          "close stack",
          "closed stack",
          "open",
          `close ${stopOf(kind)}`,
          `closed ${stopOf(kind)}`,
          "close dispose",
          "closed dispose",
        ]
          .findIndex((event) => line === `late ${event}`);
      }
    },
  ),
  rule(
    "R10",
    "fallbackStream() closes in order: signal, source, disposal, stack last in first out",
    async ({ fallbackStream, kind, fake, journal }) => {
      const order: string[] = [];
      const model = fake("a", ["a0", step.hang()], {
        closeScript: [step.wait(1)],
        disposeScript: [step.wait(1)],
      });
      const stacked = {
        name: "a",
        stream(request: unknown, context: ModelContext) {
          context.stack.defer(() => void order.push("first"));
          context.stack.adopt("second", (value) => void order.push(value));
          context.stack.use({
            [Symbol.dispose]: () => void order.push("third"),
          });
          context.signal.addEventListener("abort", () => order.push("abort"));
          return model.stream(request, context);
        },
      };
      const stream = await fallbackStream([stacked], "hi");
      await stream.return();
      assertSame(eventLog(journal).slice(2), [
        "a abort",
        `a close ${stopOf(kind)}`,
        `a closed ${stopOf(kind)}`,
        "a close dispose",
        "a closed dispose",
      ], "what happened to the source");
      assertSame(order, ["abort", "third", "second", "first"], "the order");
      assertSame(Date.now(), 2, "the time it took");
    },
  ),
  rule(
    "R10",
    "fallbackStream() only disposes of a stream that has ended and of its stack, without abort or return()",
    async ({ fallbackStream, fake, journal }) => {
      const stream = await fallbackStream([
        fake("a", ["a0"], {
          disposeScript: [step.wait(3)],
          stackScript: [step.wait(4)],
        }),
      ], "hi");
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(Date.now(), 7, "the time when the caller saw the end");
      assertSame(
        journal.calls[0]!.closes,
        ["dispose", "stack"],
        "how it was closed",
      );
      assertSame(
        journal.calls[0]!.signal.aborted,
        false,
        "whether its signal aborted",
      );
    },
  ),
  rule(
    "R10",
    "closeError is what the getter of the disposer throws after the stream has ended",
    async ({ fallbackStream }) => {
      const failure = new Error("no access");
      const source = new Proxy({
        async *[Symbol.asyncIterator]() {
          yield "a0";
        },
      }, {
        has() {
          throw failure;
        },
        get(target, key) {
          if (key === Symbol.asyncDispose) throw failure;
          return Reflect.get(target, key);
        },
      });
      const stream = await fallbackStream([() => source], "hi");
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(stream.attempts[0]!.closeError, failure, "the close error");
    },
  ),
  rule(
    "R10",
    "fallbackStream() does not call return() on a stream that threw",
    async ({ fallbackStream, fake, journal }) => {
      const models = [
        fake("a", [step.open(), step.fail(1)]),
        fake("b", ["b0", step.fail(2)], { disposeScript: [] }),
      ];
      assertSame(
        await errorOf(read(await fallbackStream(models, "hi"))),
        2,
        "the error",
      );
      assertSame(
        journal.calls.map(({ closes }) => closes),
        [[], ["dispose"]],
        "how they were closed",
      );
      assertSame(
        journal.calls.map(({ signal }) => signal.reason),
        [1, 2],
        "the reasons that they saw",
      );
    },
  ),
  rule(
    "R10",
    "the attempt's signal aborts with what ended the attempt",
    async ({ fallbackStream, fake, journal }) => {
      const wrong = new Error("wrong");
      const models = [
        fake("a", ["x"], {
          isContent: () => {
            throw wrong;
          },
        }),
        fake("b", [step.hang()]),
        fake("c", [step.fail(undefined)]),
        fake("d", ["d0", step.hang()]),
      ];
      const stream = await fallbackStream(models, "hi", {
        timeouts: { openMs: 5 },
      });
      await stream.return();
      const [a, b, c, d] = journal.calls.map(({ signal }) => signal.reason);
      assertSame(a, wrong, "the reason of a failure");
      assertSame(b.name, "ModelTimeoutError", "the reason of a time-out");
      assertSame(
        [c.name, d.name],
        ["AbortError", "AbortError"],
        "the reasons of a failure of undefined and of a closed stream",
      );
    },
  ),
  rule(
    "R10",
    "context.stack closes late resources at once and throws",
    async ({ fallbackStream, fake }) => {
      let closed = 0;
      let refusal: unknown;
      const connects = {
        name: "connects",
        async stream(_: unknown, { stack }: ModelContext) {
          await pass(50);
          try {
            stack.use({
              [Symbol.asyncDispose]: () =>
                Promise.resolve(closed++) as unknown as Promise<void>,
            });
          } catch (error) {
            refusal = error;
          }
          return await new Promise<never>(() => {});
        },
      };
      const stream = await fallbackStream<unknown, string>(
        [connects, fake("b", ["b0", step.wait(100)])],
        "hi",
        { timeouts: { openMs: 10 } },
      );
      await read(stream);
      assertSame(closed, 1, "how often it was closed");
      assertSame(
        refusal,
        stream.attempts[0]!.error,
        "what it was refused with",
      );
    },
  ),
  rule(
    "R10",
    "context.stack throws a ReferenceError after the end of the stream",
    async ({ fallbackStream, fake }) => {
      let kept: ModelContext | undefined;
      let closed = 0;
      const model = fake("a", ["a0"]);
      const keeps = {
        name: "keeps",
        stream: (request: unknown, context: ModelContext) =>
          model.stream(request, kept = context),
      };
      await read(await fallbackStream([keeps], "hi"));
      const late = () => kept!.stack.adopt(1, () => void closed++);
      assertSame(
        String(await errorOf(late)),
        "ReferenceError: Cannot use the stack as its attempt has ended",
        "the refusal",
      );
      await pass(1);
      assertSame(closed, 1, "how often it was closed");
    },
  ),
  rule(
    "R10",
    "context.stack accepts resources while the model streams",
    async ({ fallbackStream }) => {
      const order: string[] = [];
      async function* model(_: unknown, { stack }: ModelContext) {
        yield "a0";
        stack.defer(() => void order.push("closed"));
        yield "a1";
      }
      const stream = await fallbackStream([model], "hi");
      await stream.next();
      await stream.next();
      assertSame(order, [], "closed before the end");
      await stream.return();
      assertSame(order, ["closed"], "closed at the end");
    },
  ),
  rule(
    "R11",
    "fallbackStream() records what closing throws and tries the next model",
    async ({ fallbackStream, fake }) => {
      const [failure, first, second] = [
        new Error("failure"),
        new Error("dispose"),
        new Error("stack"),
      ];
      const model = fake("a", [step.open(), step.fail(failure)], {
        disposeScript: [step.fail(first)],
        stackScript: [step.fail(second)],
      });
      const stream = await fallbackStream([model, fake("b", ["b0"])], "hi");
      assertSame(await read(stream), ["b0"], "chunks");
      const { error, closeError } = stream.attempts[0]!;
      const { name, error: later, suppressed } = closeError as SuppressedError;
      assertSame([error, name, later, suppressed], [
        failure,
        "SuppressedError",
        second,
        first,
      ], "the record");
      const refused = await errorOf(
        fallbackStream([model], "hi", { fallbackOn: () => false }),
      );
      assertSame(refused, failure, "the error where nothing falls back");
    },
  ),
  rule(
    "R11",
    "the first return() or dispose throws the close error, once, and next() never does",
    async ({ fallbackStream, fake, kind }) => {
      const wrong = new Error("wrong");
      const left = await fallbackStream([
        fake("a", ["a0", "a1"], { closeScript: [step.fail(wrong)] }),
      ], "hi");
      await left.next();
      assertSame(await errorOf(left.return()), wrong, "return()");
      await left.return();
      await left[Symbol.asyncDispose]();
      const ended = await fallbackStream([
        fake("a", ["a0"], { disposeScript: [step.fail(wrong)] }),
      ], "hi");
      assertSame(await read(ended), ["a0"], "chunks");
      assertSame(ended.attempts[0]!.closeError, wrong, "the record");
      assertSame(
        await errorOf(ended[Symbol.asyncDispose]()),
        wrong,
        "the disposal",
      );
      await ended.return();
      const interrupted = await fallbackStream([
        fake("a", ["a0", step.fail(1)], { disposeScript: [step.fail(wrong)] }),
      ], "hi");
      assertSame(
        await errorOf(read(interrupted)),
        1,
        `the error of an interrupted ${kind}`,
      );
      assertSame(
        await errorOf(interrupted.return()),
        wrong,
        "return() after it",
      );
    },
  ),
  rule(
    "R11",
    "closeError is absent when closing only repeats why the attempt ended",
    async ({ fallbackStream, fake, signal }) => {
      const stop = new Error("stop");
      const echoes = [
        (reason: unknown) => reason,
        (reason: unknown) => new Error("closed", { cause: reason }),
        () => new DOMException("closed", "AbortError"),
        (reason: unknown) =>
          new SuppressedError(reason, new DOMException("", "AbortError")),
      ];
      const wrong = new Error("wrong");
      for (const echo of echoes) {
        const model = fake("a", ["a0", step.hang()]);
        const echoing = {
          name: "echoing",
          stream(request: unknown, context: ModelContext) {
            context.stack.defer(() => {
              throw echo(context.signal.reason);
            });
            return model.stream(request, context);
          },
        };
        const stream = await fallbackStream([echoing], "hi");
        await read(stream, 1);
        assertSame(
          "closeError" in stream.attempts[0]!,
          false,
          "whether an echo is recorded",
        );
        const aborted = await fallbackStream([echoing], "hi", {
          signal: signal(5, stop),
        });
        assertSame(
          await errorOf(read(aborted)),
          stop,
          "the error of an aborted stream",
        );
        await aborted.return();
        const mixed = {
          name: "mixed",
          stream(request: unknown, context: ModelContext) {
            context.stack.defer(() => {
              throw wrong;
            });
            return echoing.stream(request, context);
          },
        };
        assertSame(
          await errorOf(read(await fallbackStream([mixed], "hi"), 1)),
          wrong,
          "an error beside an echo",
        );
      }
      const failure = new Error("failure");
      const failing = fake("a", ["meta", step.fail(failure)], {
        isContent,
        disposeScript: [step.fail(failure)],
      });
      const error = await errorOf(fallbackStream([failing], "hi")) as
        & AggregateError
        & { attempts: object[] };
      assertSame(
        "closeError" in error.attempts[0]!,
        false,
        "whether its own failure is recorded",
      );
    },
  ),
  rule(
    "R12",
    "fallbackStream() abandons what does not close within closeMs, closes the rest and tries the next model",
    async ({ fallbackStream, fake, kind, journal }) => {
      const model = fake("a", ["meta", step.wait(5), step.hang()], {
        isContent,
        closeScript: [step.hang()],
        disposeScript: [step.hang()],
        stackScript: [step.wait(30), step.hang()],
      });
      const stream = await fallbackStream([model, fake("b", ["b0"])], "hi", {
        timeouts: { firstContentMs: 100, closeMs: 40 },
      });
      assertSame(Date.now(), 100 + 40 + 40, "the time of the answer");
      assertSame(
        journal.calls[0]!.closes,
        [stopOf(kind), "dispose", "stack"],
        "how it was closed",
      );
      const { error, suppressed } = stream.attempts[0]!
        .closeError as SuppressedError;
      const each = [suppressed, error].map(({ name, phase, ms, model }) => ({
        name,
        phase,
        ms,
        model,
      }));
      const expected = {
        name: "ModelTimeoutError",
        phase: "close",
        ms: 40,
        model: "a",
      };
      assertSame(each, [expected, expected], "the record");
      assertSame(await read(stream), ["b0"], "chunks");
    },
  ),
  rule(
    "R12",
    "context.stack closes the other resources when one hangs, last in first out",
    async ({ fallbackStream, fake }) => {
      const closed: string[] = [];
      const a: ModelFunction<unknown, string> = (_request, { stack }) => {
        stack.defer(() => void closed.push("first"));
        stack.defer(() => {
          closed.push("second");
          throw new Error("second");
        });
        stack.defer(() => new Promise(() => {}));
        stack.defer(() => void closed.push("last"));
        throw new Error("refused");
      };
      const stream = await fallbackStream([a, fake("b", ["b0"])], "hi", {
        timeouts: { closeMs: 40 },
      });
      assertSame(Date.now(), 40, "the time of the answer");
      assertSame(closed, ["last", "second", "first"], "what was closed");
      assertSame(await read(stream), ["b0"], "chunks");
    },
  ),
  rule(
    "R12",
    "closeMs is 1,000 ms by default, and its timeout is recorded but never thrown",
    async ({ fallbackStream, fake }) => {
      const stream = await fallbackStream([
        fake("a", ["a0", "a1"], { closeScript: [step.hang()] }),
      ], "hi");
      await read(stream, 1);
      assertSame(Date.now(), 1000, "the time it took");
      await stream[Symbol.asyncDispose]();
      assertSame(
        (stream.attempts[0]!.closeError as Error).name,
        "ModelTimeoutError",
        "the record",
      );
    },
  ),
  rule(
    "R12",
    "fallbackStream() calls the disposer and closes the stack when a generator hangs and ignores its signal",
    async ({ fallbackStream, fake, journal }) => {
      const model = fake("a", [step.open(), step.hang()], {
        ignoresAbort: true,
        disposeScript: [],
        stackScript: [],
      });
      const stream = await fallbackStream([model, fake("b", ["b0"])], "hi", {
        timeouts: { firstContentMs: 10, closeMs: 20 },
      });
      assertSame(await read(stream), ["b0"], "chunks");
      assertSame(
        journal.calls[0]!.closes.slice(1),
        ["dispose", "stack"],
        "how the rest was closed",
      );
    },
  ),
  rule(
    "R13",
    "closing twice and iterating after the end have no effect",
    async ({ fallbackStream, fake, journal }) => {
      const models = [
        fake("a", ["a0"], { disposeScript: [step.wait(2)], stackScript: [] }),
      ];
      const ended = await fallbackStream(models, "hi");
      assertSame(
        [await read(ended), await read(ended)],
        [["a0"], []],
        "chunks of two loops",
      );
      assertSame(
        [await ended.next(), await ended.return(), await ended.next()],
        [
          done,
          done,
          done,
        ],
        "results after the end",
      );
      const left = await fallbackStream(models, "hi");
      await Promise.all([
        left.return(),
        left.return(),
        left[Symbol.asyncDispose](),
        left.return(),
      ]);
      assertSame(journal.calls[1]!.closes.length, 3, "closes");
      assertSame(calledModels(journal).length, 2, "calls");
    },
  ),
  rule(
    "R13",
    "next() resolves as done only when everything is closed",
    async ({ fallbackStream, fake, journal }) => {
      const options = {
        closeScript: [step.wait(10)],
        disposeScript: [step.wait(10)],
        stackScript: [step.wait(10)],
      };
      const closes = () =>
        eventLog(journal).filter((line) => line.includes("closed")).length;
      const ended = await fallbackStream([fake("a", ["a0"], options)], "hi");
      await read(ended);
      assertSame(closes(), 2, "closed at the end");
      const interrupted = await fallbackStream(
        [fake("b", ["b0", step.fail(1)], options)],
        "hi",
      );
      await errorOf(read(interrupted));
      assertSame(closes(), 4, "closed at the error");
      const left = await fallbackStream(
        [fake("c", ["c0", step.hang()], options)],
        "hi",
      );
      await left.next();
      const pending = left.next();
      left.return();
      assertSame(
        [await pending, await left.next()],
        [done, done],
        "the pending next()",
      );
      assertSame(closes(), 7, "closed when a pending next() is answered");
    },
  ),
  rule(
    "R10",
    "fallbackStream() cancels the reader with the reason and releases its lock",
    async ({ fallbackStream, signal }) => {
      const stop = new Error("stop");
      const reasons: unknown[] = [];
      const readable = (end: boolean) =>
        new ReadableStream<string>({
          pull(controller) {
            controller.enqueue("a0");
            if (end) controller.close();
          },
          cancel: (reason) => void reasons.push(reason),
        }, { highWaterMark: 0 });
      const [cancelled, ended] = [readable(false), readable(true)];
      const stream = await fallbackStream([() => cancelled], "hi", {
        signal: signal(5, stop),
      });
      await stream.next();
      await pass(5);
      assertSame(await errorOf(stream.next()), stop, "the error");
      await read(await fallbackStream([() => ended], "hi"));
      assertSame(reasons, [stop], "the reasons");
      assertSame(
        [cancelled.locked, ended.locked],
        [false, false],
        "whether they are still locked",
      );
    },
  ),
  rule(
    "R10",
    "fallbackStream() calls the disposer as a method, also of an unreadable or late source",
    async ({ fallbackStream, fake }) => {
      const order: string[] = [];
      class Source {
        #name: string;
        constructor(name: string) {
          this.#name = name;
        }
        [Symbol.dispose]() {
          order.push(`${this.#name} dispose`);
        }
      }
      class Asynchronous extends Source {
        #name = "async";
        [Symbol.asyncDispose]() {
          order.push(`${this.#name} asyncDispose`);
          return Promise.resolve();
        }
      }
      const iterable = {
        async *[Symbol.asyncIterator]() {
          yield await "a0";
        },
      };
      const readable = (source: Source) => Object.assign(source, iterable);
      await read(
        await fallbackStream([() => readable(new Source("sync"))], "hi"),
      );
      await read(
        await fallbackStream([() => readable(new Asynchronous("sync"))], "hi"),
      );
      const none = (name: string) =>
        new Source(name) as unknown as AsyncIterable<string>;
      const late = async () => (await pass(50), none("late"));
      const stream = await fallbackStream<unknown, string>(
        [() => none("unreadable"), late, fake("b", ["b0", step.wait(100)])],
        "hi",
        { timeouts: { openMs: 10 } },
      );
      await read(stream);
      assertSame(order, [
        "sync dispose",
        "async asyncDispose",
        "unreadable dispose",
        "late dispose",
      ], "what was disposed of");
    },
  ),
  rule(
    "R10",
    "context.stack closes resources that are added while it closes, even when they throw or hang",
    async ({ fallbackStream, fake }) => {
      const order: string[] = [];
      const closes: (() => Promise<void> | void)[] = [
        () => void order.push("closed"),
        () => Promise.reject(new Error("wrong")),
        () => new Promise(() => {}),
      ];
      for (const close of closes) {
        const model = async function* (_: unknown, { stack }: ModelContext) {
          try {
            yield "a0";
          } finally {
            await pass(5);
            try {
              stack.defer(close);
            } catch {
              order.push("refused");
            }
            await pass(5);
            order.push("left");
          }
        };
        const stream = await fallbackStream([model, fake("b", ["b0"])], "hi");
        await stream.next();
        // What closing at once throws is the attempt's close error.
        await stream.return().catch(() => order.push("thrown"));
      }
      assertSame(order, [
        "closed",
        "refused",
        "left",
        "refused",
        "left",
        "thrown",
        "refused",
        "left",
      ], "the order");
    },
  ),
  rule(
    "R11",
    "fallbackStream() throws the model's SuppressedError unchanged and ignores one that only repeats the reason",
    async ({ fallbackStream, fake }) => {
      const own = new SuppressedError(new Error("later"), new Error("first"));
      const left = await fallbackStream([
        fake("a", ["a0", "a1"], { closeScript: [step.fail(own)] }),
      ], "hi");
      await left.next();
      assertSame(await errorOf(left.return()), own, "the error");
      const wrong = new Error("wrong");
      const abort = new DOMException("closed", "AbortError");
      const deep = new SuppressedError(
        abort,
        new SuppressedError(abort, new SuppressedError(wrong, abort)),
      );
      const mixed = await fallbackStream([
        fake("b", ["b0", "b1"], { closeScript: [step.fail(deep)] }),
      ], "hi");
      await mixed.next();
      assertSame(
        await errorOf(mixed.return()),
        wrong,
        "what is left of a deep one",
      );
      const half = new SuppressedError(
        wrong,
        new SuppressedError(abort, new Error("first")),
      );
      const halved = await fallbackStream(
        [fake("c", ["c0", "c1"], { closeScript: [step.fail(half)] })],
        "hi",
      );
      await halved.next();
      const { error, suppressed } = await errorOf(
        halved.return(),
      ) as SuppressedError;
      assertSame(
        [error, suppressed.message],
        [wrong, "first"],
        "what is left of both halves",
      );
      const slow = await fallbackStream(
        [fake("d", ["d0", step.hang()])],
        "hi",
        {
          timeouts: { idleMs: 5 },
        },
      );
      const timeout = await errorOf(read(slow));
      const timed = await fallbackStream(
        [fake("e", ["e0", "e1"], { closeScript: [step.fail(timeout)] })],
        "hi",
      );
      await timed.next();
      assertSame(await errorOf(timed.return()), timeout, "another's time-out");
      const nothing = fake("f", [step.fail(undefined)], {
        stackScript: [step.fail(undefined)],
      });
      const all = await errorOf(
        fallbackStream([nothing], "hi"),
      ) as AggregateError & { attempts: object[] };
      assertSame(
        "closeError" in all.attempts[0]!,
        false,
        "whether a failure of undefined is recorded as its own echo",
      );
    },
  ),
  rule(
    "R11",
    "fallbackStream() treats a throwing getter of a method like a throwing method",
    async ({ fallbackStream, fake }) => {
      const wrong = new Error("wrong");
      const closed: string[] = [];
      const model = (_: unknown, { stack }: ModelContext) => {
        stack.defer(() => void closed.push("stack"));
        const source = {
          next: () => Promise.resolve({ done: false, value: "meta" }),
          get return(): never {
            throw wrong;
          },
        };
        return { [Symbol.asyncIterator]: () => source };
      };
      const stream = await fallbackStream([model], "hi");
      assertSame(await errorOf(stream.return()), wrong, "return()");
      const predicate = () => {
        throw new Error("overloaded");
      };
      const next = await fallbackStream([{
        name: "a",
        stream: model,
        isContent: predicate,
      }, fake("b", ["b0"])], "hi");
      assertSame(await read(next), ["b0"], "chunks of the next model");
      assertSame(
        [next.attempts[0]!.closeError, closed],
        [wrong, ["stack", "stack"]],
        "the record, and what was closed",
      );
    },
  ),
  rule(
    "R11",
    "a reader whose lock cannot be released after the end is a close error",
    async ({ fallbackStream }) => {
      const wrong = new Error("cannot release");
      const model = () => {
        const results = [{ done: false, value: "a0" }, {
          done: true,
          value: undefined,
        }];
        const reader = {
          read: () => Promise.resolve(results.shift()),
          cancel: () => Promise.resolve(),
          releaseLock() {
            throw wrong;
          },
        };
        return { getReader: () => reader } as unknown as ReadableStream<string>;
      };
      const stream = await fallbackStream([model], "hi");
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(stream.attempts[0]!.closeError, wrong, "the record");
      assertSame(await errorOf(stream.return()), wrong, "return()");
    },
  ),
];
