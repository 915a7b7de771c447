// Flow, events, and what two calls share: R14 to R16.

import type { FallbackEvent } from "../../src/types/events.ts";
import * as step from "../../src/testing/step.ts";
import {
  type AnyEvent,
  assertSame,
  calledModels,
  done,
  errorOf,
  isContent,
  pass,
  read,
  rule,
  type RuleCase,
} from "./_context.ts";

const many = Array.from({ length: 50 }, (_, i) => `a${i}`);

/** The cases of R14 to R16. */
export const flow: RuleCase[] = [
  rule(
    "R14",
    "the stream pulls the model only when the caller pulls",
    async ({ fallbackStream, fake, journal }) => {
      const [ahead, through] = [fake("ahead", many), fake("through", many)];
      await using stream = await fallbackStream([ahead], "hi");
      for (let pulled = 1; pulled <= 5; pulled++) {
        await stream.next();
        await pass(10);
        assertSame(
          journal.calls[0]!.chunks,
          pulled,
          "chunks pulled for as many next()",
        );
      }
      await using other = await fallbackStream([through], "hi");
      const reader = other.toReadableStream().getReader();
      await reader.read();
      await pass(10);
      assertSame(journal.calls[1]!.chunks, 1, "chunks pulled for one read()");
    },
  ),
  rule(
    "R14",
    "concurrent next() calls are resolved in order, with one pull at a time",
    async ({ fallbackStream, fake }) => {
      const stream = await fallbackStream([
        fake("a", ["meta", "a1", step.wait(5), "a2", step.wait(1), "a3"], {
          isContent,
        }),
      ], "hi");
      const order: number[] = [];
      const pulls = [0, 1, 2, 3, 4, 5].map((place) =>
        stream.next().finally(() => order.push(place))
      );
      assertSame((await Promise.all(pulls)).map(({ value }) => value), [
        "meta",
        "a1",
        "a2",
        "a3",
        undefined,
        undefined,
      ], "results");
      assertSame(order, [0, 1, 2, 3, 4, 5], "the order of the answers");
      // The journal complains of pulls beside each other.
    },
  ),
  rule(
    "R14",
    "return(), throw() and dispose do not wait for a pending next()",
    async ({ fallbackStream, fake }) => {
      for (const way of ["return", "throw", "dispose"]) {
        const start = Date.now();
        const stream = await fallbackStream(
          [fake("a", ["a0", step.hang()])],
          "hi",
        );
        await stream.next();
        const pulls = [stream.next(), stream.next()];
        if (way === "return") {
          assertSame(await stream.return(), done, "return()");
        }
        if (way === "throw") {
          assertSame(await errorOf(stream.throw(1)), 1, "throw()");
        }
        if (way === "dispose") await stream[Symbol.asyncDispose]();
        assertSame(
          await Promise.all(pulls),
          [done, done],
          `the pending next() after ${way}`,
        );
        assertSame(Date.now() - start, 0, "the time it took");
      }
    },
  ),
  rule(
    "R14",
    "return() settles within closeMs when the model hangs and ignores its signal",
    async ({ fallbackStream, fake }) => {
      const stream = await fallbackStream(
        [fake("a", ["a0", step.hang()], { ignoresAbort: true })],
        "hi",
        { timeouts: { closeMs: 30 } },
      );
      await stream.next();
      const pending = stream.next();
      await stream.return();
      assertSame(await pending, done, "the pending next()");
      assertSame(
        Date.now() <= 30,
        true,
        "whether it took no longer than closeMs",
      );
    },
  ),
  rule(
    "R15",
    "overlapping calls do not affect each other: eight of eight succeed with the first model down",
    async ({ fallbackStream, fake, journal }) => {
      const models = [
        fake("down", [step.wait(10), step.fail(new Error("down"))]),
        fake("up", [step.wait(5), "b0", step.wait(5), "b1"]),
      ];
      const options = { timeouts: { idleMs: 50, totalMs: 500 } };
      const answers = await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          await pass(i * 3);
          const stream = await fallbackStream(models, i, options);
          return [
            stream.model,
            ...stream.attempts.map(({ outcome }) => outcome),
            ...await read(stream),
          ];
        }),
      );
      assertSame(
        answers,
        Array(8).fill(["up", "failed", "streaming", "b0", "b1"]),
        "the answers",
      );
      assertSame(journal.calls.map(({ model }) => model).sort(), [
        ...Array(8).fill("down"),
        ...Array(8).fill("up"),
      ], "the models called");
    },
  ),
  rule(
    "R15",
    "fallbackStream() copies the list of models",
    async ({ fallbackStream, fake, journal }) => {
      const models = [
        fake("a", [step.wait(5), step.fail(1)]),
        fake("b", ["b0"]),
      ];
      const opening = fallbackStream(models, "hi");
      models.length = 0;
      assertSame(await read(await opening), ["b0"], "chunks");
      assertSame(calledModels(journal), ["a", "b"], "the models called");
    },
  ),
  rule(
    "R16",
    "onEvent receives the events in the order in which they happen",
    async ({ fallbackStream, fake, signal }) => {
      const received: string[] = [];
      const wrong = new Error("wrong");
      const onEvent = (event: FallbackEvent) => {
        const { type, at, attempt, attempts, error }: AnyEvent = event;
        received.push(
          `${at} ${type} ${attempt?.model}${
            error === undefined ? "" : ` ${error}`
          }`,
        );
        assertSame(
          attempts.includes(attempt!),
          true,
          "whether the event's attempt is one of its attempts",
        );
      };
      const models = [
        fake("a", [step.wait(5), step.fail(wrong)]),
        fake("b", [step.wait(1), "meta", step.wait(1), "b1", "b2"], {
          isContent,
        }),
      ];
      await read(await fallbackStream(models, "hi", { onEvent }));
      assertSame(received.splice(0), [
        "0 started a",
        "5 failed a Error: wrong",
        "5 closed a",
        "5 started b",
        "6 opened b",
        "7 committed b",
        "7 completed b",
        "7 closed b",
      ], "the events of a fallback");
      await errorOf(
        read(
          await fallbackStream([fake("c", ["c0", step.fail(wrong)])], "hi", {
            onEvent,
          }),
        ),
      );
      assertSame(received.splice(0), [
        "7 started c",
        "7 opened c",
        "7 committed c",
        "7 interrupted c Error: wrong",
        "7 closed c",
      ], "the events of an interrupted answer");
      const stream = await fallbackStream(
        [fake("d", ["d0", step.hang()])],
        "hi",
        {
          onEvent,
          signal: signal(3, wrong),
        },
      );
      await errorOf(read(stream));
      assertSame(received, [
        "7 started d",
        "7 opened d",
        "7 committed d",
        "10 cancelled d Error: wrong",
        "10 closed d",
      ], "the events of an abort");
    },
  ),
  rule(
    "R16",
    "fallbackStream() ignores what onEvent throws or returns and does not await it",
    async ({ fallbackStream, fake }) => {
      const wrong = new Error("wrong");
      const handlers = [
        () => {
          throw wrong;
        },
        () => Promise.reject(wrong),
        () => new Promise(() => {}),
      ];
      for (const onEvent of handlers) {
        const stream = await fallbackStream(
          [fake("a", [step.fail(1)]), fake("b", ["b0"])],
          "hi",
          { onEvent },
        );
        assertSame(await read(stream), ["b0"], "chunks");
      }
    },
  ),
  rule(
    "R16",
    "onEvent receives a failure at once, its close when it is done, and a cancellation once",
    async ({ fallbackStream, fake, signal }) => {
      const received: string[] = [];
      const stop = new Error("stop");
      const onEvent = ({ type, at, attempt }: FallbackEvent) =>
        void received.push(
          `${at === Date.now() ? at : "late"} ${type} ${attempt?.model ?? "-"}`,
        );
      await read(
        await fallbackStream(
          [
            fake("a", [step.wait(5), step.fail(1)], {
              stackScript: [step.wait(10)],
            }),
            fake("b", ["b0"]),
          ],
          "hi",
          { onEvent },
        ),
      );
      assertSame(received.splice(0), [
        "0 started a",
        "5 failed a",
        "15 closed a",
        "15 started b",
        "15 opened b",
        "15 committed b",
        "15 completed b",
        "15 closed b",
      ], "the events of a slow close");
      await errorOf(
        fallbackStream([fake("c", [step.fail(1)])], "hi", {
          onEvent,
          signal: signal(5, stop),
          fallbackOn: () => new Promise<boolean>(() => {}),
        }),
      );
      assertSame(received.splice(0), [
        "15 started c",
        "15 failed c",
        "15 closed c",
        "20 cancelled -",
      ], "the events of an abort between two attempts");
      await errorOf(
        fallbackStream([fake("d", [step.hang()])], "hi", {
          onEvent,
          signal: signal(5, stop),
        }),
      );
      assertSame(
        received,
        ["20 started d", "25 cancelled d", "25 closed d"],
        "the events of an abort during an attempt",
      );
    },
  ),
];
