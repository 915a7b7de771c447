// Cancellation: R8 and R9.

import { withoutTimerTracking } from "../../src/testing/_timers.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
  done,
  errorOf,
  eventLog,
  type Options,
  pass,
  read,
  rule,
  type RuleCase,
  stopOf,
} from "./_context.ts";

const stop = new Error("stop");

/** The cases of R8 and R9. */
export const cancellation: RuleCase[] = [
  rule(
    "R8",
    "fallbackStream() rejects with the signal's reason before content, even when the model ignores its signal",
    async ({ fallbackStream, fake, signal, journal }) => {
      const received: unknown[] = [];
      const fallbackOn = (error: unknown) => received.push(error) > 0;
      for (
        const script of [[step.hang()], [step.open(), step.hang()], [
          "meta",
          step.hang(),
        ]]
      ) {
        for (const ignoresAbort of [false, true]) {
          const start = Date.now();
          const models = [
            fake("a", script, {
              ignoresAbort,
              isContent: (chunk) => chunk !== "meta",
            }),
            fake("b", ["b0"]),
          ];
          const error = await errorOf(
            fallbackStream(models, "hi", {
              signal: signal(10, stop),
              fallbackOn,
              timeouts: { closeMs: 5 },
            }),
          );
          assertSame(error, stop, "the error");
          // A generator that ignores its abort cannot be closed either.
          const late = ignoresAbort && script.length > 1 &&
            Date.now() - start === 15;
          assertSame(Date.now() - start, late ? 15 : 10, "the time it took");
        }
      }
      assertSame(received, [], "the calls of fallbackOn");
      assertSame(
        new Set(calledModels(journal)),
        new Set(["a"]),
        "the models called",
      );
      assertSame(
        journal.calls.map((call) => call.signal.reason),
        Array(6).fill(stop),
        "the reasons that the models saw",
      );
    },
  ),
  rule(
    "R8",
    "fallbackStream() opens no model when the signal is already aborted",
    async ({ fallbackStream, fake, signal, journal }) => {
      const aborted = signal(0, stop);
      await pass(0);
      assertSame(
        await errorOf(
          fallbackStream([fake("a", ["a0"])], "hi", { signal: aborted }),
        ),
        stop,
        "the error",
      );
      assertSame(calledModels(journal), [], "the models called");
    },
  ),
  rule(
    "R8",
    "an abort stops waiting for an async fallbackOn and ignores its result",
    async ({ fallbackStream, fake, signal, journal }) => {
      const models = [fake("a", [step.fail(1)]), fake("b", ["b0"])];
      const fallbackOn = async () => {
        await pass(20);
        return true;
      };
      assertSame(
        await errorOf(
          fallbackStream(models, "hi", {
            signal: signal(10, stop),
            fallbackOn,
          }),
        ),
        stop,
        "the error",
      );
      assertSame(Date.now(), 10, "the time it took");
      await pass(20);
      assertSame(calledModels(journal), ["a"], "the models called");
    },
  ),
  rule(
    "R8",
    "fallbackStream() calls no condition and starts no wait once the call has ended",
    async ({ fallbackStream, fake, journal }) => {
      const never = new Promise<never>(() => {});
      const received: string[] = [];
      const ways: Record<string, (abort: () => void) => Options> = {
        "while a condition is pending": (abort) => ({
          fallbackOn: [
            () => (withoutTimerTracking(() => setTimeout(abort, 10)), never),
            () => received.push("the next condition") > 0,
          ],
        }),
        "by a condition that is pending": (abort) => ({
          fallbackOn: () => (abort(), never),
        }),
        "by a budget that then throws": (abort) => ({
          hedge: {
            afterMs: 1,
            budget: {
              earn() {
                abort();
                throw new Error("too late");
              },
              take: () => true,
            },
          },
        }),
        "by a condition that then rejects": (abort) => ({
          fallbackOn: () => (abort(), Promise.reject(new Error("too late"))),
        }),
        "before a condition throws": (abort) => ({
          fallbackOn: [
            () => (abort(), false),
            () => {
              throw new Error("called after the end");
            },
          ],
        }),
        "while a retry is announced": (abort) => ({
          retry: { minDelayMs: 5000, jitter: 0 },
          onEvent: ({ type }) => type === "retrying" && abort(),
        }),
        "by isRetriable": (abort) => ({
          retry: {
            minDelayMs: 5000,
            jitter: 0,
            isRetriable: () => (abort(), true),
          },
          onEvent: ({ type }) =>
            type === "retrying" && received.push("a retry"),
        }),
        "by a health store that is pending": (abort) => ({
          health: { admit: () => (abort(), never), report: () => {} },
        }),
      };
      for (const [way, optionsFor] of Object.entries(ways)) {
        const controller = new AbortController();
        const signal = journal.watch(controller.signal);
        const options = optionsFor(() => controller.abort(stop));
        const models = [fake("a", [step.fail(1)]), fake("b", ["b0"])];
        const start = Date.now();
        const opening = fallbackStream(models, "hi", { ...options, signal });
        assertSame(
          await errorOf(opening),
          stop,
          `the error of an abort ${way}`,
        );
        const pending = way === "while a condition is pending" ? 10 : 0;
        assertSame(Date.now() - start, pending, `the time it took ${way}`);
      }
      assertSame(received, [], "the calls after the end");
      assertSame(
        calledModels(journal).includes("b"),
        false,
        "whether b was called",
      );
    },
  ),
  rule(
    "R8",
    "fallbackStream() opens no other model when a callback of the caller aborts the call",
    async ({ fallbackStream, fake, journal }) => {
      for (
        const place of [
          "started",
          "opened",
          "committed",
          "failed",
          "closed",
          "condition",
          "isContent",
        ]
      ) {
        const controller = new AbortController();
        const at = (here: string) => {
          if (here === place) controller.abort(stop);
          return true;
        };
        const models = [
          fake("a", ["meta", step.fail(1)], {
            isContent: (chunk) => chunk !== "meta",
          }),
          fake("b", ["b0"], { isContent: () => at("isContent") }),
          fake("c", ["c0"]),
        ];
        const signal = journal.watch(controller.signal);
        const opening = fallbackStream(models, "hi", {
          signal,
          onEvent: ({ type }) => at(type),
          fallbackOn: () => at("condition"),
        });
        assertSame(
          await errorOf(opening),
          stop,
          `the error when aborted at '${place}'`,
        );
      }
      assertSame(
        calledModels(journal).includes("c"),
        false,
        "whether the last model was called",
      );
    },
  ),
  rule(
    "R8",
    "fallbackStream() falls back on an AbortError of the provider",
    async ({ fallbackStream, fake }) => {
      const models = [
        fake("a", [step.fail(new DOMException("upstream", "AbortError"))]),
        fake("b", ["b0"]),
      ];
      assertSame(
        await read(await fallbackStream(models, "hi")),
        ["b0"],
        "chunks",
      );
    },
  ),
  rule(
    "R8",
    "an abort after commitment closes at once, with or without a pull, and drops buffered chunks",
    async ({ fallbackStream, fake, kind, signal, journal }) => {
      const model = fake("a", ["meta", "a1", "a2"], {
        isContent: (chunk) => chunk === "a1",
      });
      const stream = await fallbackStream([model], "hi", {
        signal: signal(10, stop),
      });
      await pass(10);
      assertSame(eventLog(journal).slice(-3), [
        "a abort",
        `a close ${stopOf(kind)}`,
        `a closed ${stopOf(kind)}`,
      ], "what happened");
      assertSame(await errorOf(stream.next()), stop, "the next result");
      assertSame(
        [await stream.next(), await stream.next()],
        [done, done],
        "what comes after it",
      );
      assertSame(
        stream.attempts.map(({ outcome, chunks, error }) => ({
          outcome,
          chunks,
          error,
        })),
        [{ outcome: "cancelled", chunks: 0, error: stop }],
        "the record",
      );
      await stream[Symbol.asyncDispose]();
    },
  ),
  rule(
    "R8",
    "an abort rejects the oldest pending next() and resolves the others as done",
    async ({ fallbackStream, fake, signal }) => {
      for (const ignoresAbort of [false, true]) {
        const start = Date.now();
        const stream = await fallbackStream(
          [fake("a", ["a0", step.hang()], { ignoresAbort })],
          "hi",
          { signal: signal(10, stop) },
        );
        await stream.next();
        const pulls = [stream.next(), stream.next(), stream.next()];
        assertSame(await errorOf(pulls[0]!), stop, "the oldest");
        assertSame([await pulls[1], await pulls[2], await stream.next()], [
          done,
          done,
          done,
        ], "the others");
        assertSame(
          Date.now() - start <= 10 + 1000,
          true,
          "whether it took no longer than closing may",
        );
      }
    },
  ),
  rule(
    "R8",
    "closing the stream drops a rejection that was not delivered yet",
    async ({ fallbackStream, fake, signal }) => {
      const stream = await fallbackStream(
        [fake("a", ["a0", step.hang()])],
        "hi",
        {
          signal: signal(10, stop),
        },
      );
      await pass(20);
      assertSame(await stream.return(), done, "return()");
      assertSame(await stream.next(), done, "next()");
    },
  ),
  rule(
    "R8",
    "fallbackStream() removes its listeners from the caller's signal",
    async ({ fallbackStream, fake, signal }) => {
      const forever = signal();
      const { any } = AbortSignal;
      let composed = 0;
      AbortSignal.any = (signals) => {
        const list = [...signals];
        if (list.includes(forever)) composed++;
        return any.call(AbortSignal, list);
      };
      try {
        await read(
          await fallbackStream(
            [fake("a", [step.fail(1)]), fake("b", ["b0"])],
            "hi",
            { signal: forever },
          ),
        );
        await errorOf(
          fallbackStream([fake("a", [step.fail(1)])], "hi", {
            signal: forever,
          }),
        );
        await errorOf(
          read(
            await fallbackStream([fake("a", ["a0", step.fail(1)])], "hi", {
              signal: forever,
            }),
          ),
        );
        await (await fallbackStream([fake("a", ["a0", step.hang()])], "hi", {
          signal: forever,
        })).return();
      } finally {
        AbortSignal.any = any;
      }
      assertSame(
        composed,
        0,
        "signals composed of the caller's, which stay on it while it lives",
      );
      // The journal counts the listeners.
    },
  ),
  rule(
    "R9",
    "break, return(), throw(), dispose and cancel() close the model's stream and open no other model",
    async ({ fallbackStream, fake, kind, journal }) => {
      const models = [
        fake("a", ["a0", step.wait(1), "a1", step.hang()]),
        fake("b", ["b0"]),
      ];
      const ways: ((
        stream: Awaited<ReturnType<typeof fallbackStream<unknown, string>>>,
      ) => PromiseLike<unknown>)[] = [
        (stream) => read(stream, 1),
        (stream) => stream.return(),
        (stream) => stream[Symbol.asyncDispose](),
        async (stream) =>
          assertSame(
            await errorOf(stream.throw(stop)),
            stop,
            "what throw() rejects with",
          ),
        (stream) => stream.toReadableStream().cancel("enough"),
        async (stream) => {
          const reader = stream.toReadableStream().getReader();
          await reader.read();
          const read = reader.read();
          await reader.cancel();
          assertSame((await read).done, true, "the read that waited");
        },
        async (stream) => {
          const fails = async () => {
            for await (const _ of stream) throw stop;
          };
          assertSame(
            await errorOf(fails()),
            stop,
            "the error of the caller's loop",
          );
        },
      ];
      for (const leave of ways) {
        const stream = await fallbackStream(models, "hi");
        await leave(stream);
        assertSame(
          stream.attempts.map(({ outcome }) => outcome),
          ["cancelled"],
          "the outcome",
        );
        const { closes, signal } = journal.calls.at(-1)!;
        assertSame(closes, [stopOf(kind)], "how it was closed");
        assertSame(
          signal.reason.name,
          "AbortError",
          "the reason that the model saw",
        );
        assertSame(await stream.next(), done, "next() after it");
      }
      assertSame(new Set(calledModels(journal)).size, 1, "models called");
    },
  ),
  rule(
    "R9",
    "toReadableStream() delivers the remaining chunks and ends or fails as the stream does",
    async ({ fallbackStream, fake }) => {
      const lost = new Error("connection lost");
      const stream = await fallbackStream(
        [fake("a", ["a0", "a1", "a2"])],
        "hi",
      );
      await stream.next();
      assertSame(await read(stream.toReadableStream()), ["a1", "a2"], "chunks");
      const interrupted = await fallbackStream(
        [fake("a", ["a0", step.fail(lost)])],
        "hi",
      );
      assertSame(
        await errorOf(read(interrupted.toReadableStream())),
        lost,
        "its error",
      );
    },
  ),
  rule(
    "R8",
    "an abort during commitment ends the call",
    async ({ fallbackStream, fake, journal }) => {
      for (let turns = 0; turns < 12; turns++) {
        const controller = new AbortController();
        const isContent = () => {
          (async () => {
            for (let i = 0; i < turns; i++) await null;
            controller.abort(stop);
          })();
          return true;
        };
        const signal = journal.watch(controller.signal);
        const model = fake("a", ["a0", step.hang()], { isContent });
        const error = await errorOf((async () => {
          const stream = await fallbackStream([model], "hi", { signal });
          await pass(1);
          await stream.next();
        })());
        assertSame(
          error,
          stop,
          `the error of an abort ${turns} turns after the content`,
        );
      }
    },
  ),
  rule(
    "R8",
    "an abort rejects with its first reason, which can be any value, even null",
    async ({ fallbackStream, fake, signal }) => {
      assertSame(
        await errorOf(
          fallbackStream([fake("a", [step.hang()])], "hi", {
            signal: signal(5, null),
          }),
        ),
        null,
        "the error",
      );
      const stream = await fallbackStream(
        [fake("b", ["b0", step.hang()])],
        "hi",
        {
          signal: signal(5, null),
        },
      );
      await stream.next();
      assertSame(
        await errorOf(stream.next()),
        null,
        "the error after commitment",
      );
      const idle = await fallbackStream(
        [fake("e", ["e0", step.hang()])],
        "hi",
        {
          signal: signal(5, null),
        },
      );
      await pass(5);
      assertSame(
        await errorOf(idle.next()),
        null,
        "the error of the next next()",
      );
      const slow = fake("c", ["c0", step.hang()], {
        closeScript: [step.wait(30)],
      });
      const closing = await fallbackStream([slow], "hi", {
        signal: signal(5, stop),
        timeouts: { totalMs: 20 },
      });
      await closing.next();
      assertSame(
        await errorOf(closing.next()),
        stop,
        "the error where totalMs runs out during the close",
      );
      const opening = fake("d", [step.hang()], {
        stackScript: [step.wait(30)],
      });
      assertSame(
        await errorOf(
          fallbackStream([opening], "hi", {
            signal: signal(5, stop),
            timeouts: { totalMs: 20 },
          }),
        ),
        stop,
        "the same while opening",
      );
    },
  ),
  rule(
    "R8",
    "fallbackStream() calls no model and sets no timer when the listener ends the call at the 'started' event",
    async ({ fallbackStream, fake, journal }) => {
      const controller = new AbortController();
      const onEvent = () => controller.abort(stop);
      const timeouts = { openMs: 500, firstContentMs: 500 };
      assertSame(
        await errorOf(
          fallbackStream([fake("a", ["a0"])], "hi", {
            signal: journal.watch(controller.signal),
            onEvent,
            timeouts,
          }),
        ),
        stop,
        "the error",
      );
      assertSame(calledModels(journal), [], "the models called");
      // The journal of a call that follows would report a timer that is left.
      await read(await fallbackStream([fake("b", ["b0"])], "hi"));
    },
  ),
  rule(
    "R9",
    "cancel() of the ReadableStream resolves when everything is closed",
    async ({ fallbackStream, fake }) => {
      const stream = await fallbackStream([
        fake("a", ["a0", step.hang()], {
          closeScript: [step.wait(20)],
          stackScript: [step.wait(10)],
        }),
      ], "hi");
      await stream.toReadableStream().cancel();
      assertSame(Date.now(), 30, "the time it took");
    },
  ),
  rule(
    "R8",
    "fallbackStream() opens no model after an abort in any microtask between two models",
    async ({ fallbackStream, fake, journal }) => {
      for (let turns = 0; turns < 40; turns++) {
        const controller = new AbortController();
        const opening = fallbackStream(
          [fake("a", [step.fail(1)]), fake("b", [step.hang()])],
          "hi",
          { signal: journal.watch(controller.signal) },
        );
        const error = errorOf(opening);
        for (let i = 0; i < turns; i++) await undefined;
        const before = calledModels(journal).length;
        controller.abort(stop);
        const given = await Promise.race([error, pass(1000)]);
        assertSame(
          [given, calledModels(journal).length - before],
          [stop, 0],
          `the end, and what was opened since, after ${turns} turns`,
        );
      }
    },
  ),
  rule(
    "R8",
    "an abort ends every call that shares the signal, also after one of them has ended",
    async ({ fallbackStream, fake, signal }) => {
      const shared = { signal: signal(10, stop) };
      const open = () =>
        fallbackStream([fake("a", ["a0", step.hang()])], "hi", shared);
      const first = await open();
      const second = await open();
      await first.return();
      await second.next();
      assertSame(await errorOf(second.next()), stop, "the error");
      assertSame(Date.now(), 10, "the time of the error");
    },
  ),
  rule(
    "R9",
    "a chunk that arrives after return() is neither read nor counted",
    async ({ fallbackStream, fake }) => {
      const seen: string[] = [];
      const model = {
        ...fake("a", ["a0", step.wait(20), "a1"], { ignoresAbort: true }),
        usage: (chunk: string) => void seen.push(chunk),
      };
      const stream = await fallbackStream([model], "hi");
      await stream.next();
      const pending = stream.next();
      await pass(10);
      await stream.return();
      await pass(20);
      assertSame(await pending, done, "the pending next()");
      assertSame(
        [seen, stream.attempts[0]!.chunks],
        [["a0"], 1],
        "what usage() received, and the number of chunks",
      );
    },
  ),
  rule(
    "R8",
    "isContent is not called with a chunk of an attempt that has timed out",
    async ({ fallbackStream, fake }) => {
      const seen: string[] = [];
      const late = [step.open(), step.wait(20), "a0"];
      const model = {
        ...fake("a", late, { ignoresAbort: true }),
        usage: (chunk: string) => void seen.push(chunk),
      };
      const models = [model, fake("b", [step.wait(30), "b0"])];
      const stream = await fallbackStream(models, "hi", {
        timeouts: { firstContentMs: () => Date.now() < 10 ? 10 : undefined },
      });
      assertSame([seen, await read(stream)], [[], ["b0"]], "what was seen");
    },
  ),
];
