// Timeouts: R17. Each of them also with a model that ignores its signal.

import * as step from "../../src/testing/step.ts";
import {
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

const HOUR = 3_600_000;

/** What a time-out says of itself. */
const shape = (error: unknown) => {
  const { name, model, phase, ms } = Object(error);
  return { name, model, phase, ms };
};
const timeout = (model: string, phase: string, ms: number) => ({
  name: "ModelTimeoutError",
  model,
  phase,
  ms,
});

/** The cases of R17. */
export const timeouts: RuleCase[] = [
  rule(
    "R17",
    "openMs and firstContentMs run from the attempt's start, and fall back",
    async ({ fallbackStream, fake }) => {
      for (const ignoresAbort of [false, true]) {
        const start = Date.now();
        const models = [
          fake("opens late", [step.wait(2 * HOUR), "x"], { ignoresAbort }),
          fake("talks around", [
            step.wait(HOUR - 10),
            "meta",
            step.wait(15),
            "meta",
            step.wait(2 * HOUR),
            "x",
          ], { ignoresAbort, isContent }),
          fake("in time", [
            step.wait(HOUR - 10),
            step.open(),
            step.wait(10),
            "meta",
            step.wait(9),
            "c0",
          ], { isContent }),
        ];
        const stream = await fallbackStream(models, "hi", {
          timeouts: { openMs: HOUR, firstContentMs: HOUR + 20, closeMs: 0 },
        });
        assertSame(stream.model, "in time", "the model");
        assertSame(
          stream.attempts.slice(0, 2).map(({ error }) => shape(error)),
          [
            timeout("opens late", "open", HOUR),
            timeout("talks around", "firstContent", HOUR + 20),
          ],
          "the errors",
        );
        assertSame(
          Date.now() - start,
          HOUR + (HOUR + 20) + (HOUR + 9),
          "the time of the answer",
        );
        await read(stream);
      }
    },
  ),
  rule(
    "R17",
    "a timeout before commitment is passed to fallbackOn like any failure",
    async ({ fallbackStream, fake, journal }) => {
      const models = [fake("a", [step.hang()]), fake("b", ["b0"])];
      const error = await errorOf(
        fallbackStream(models, "hi", {
          timeouts: { firstContentMs: 10 },
          fallbackOn: TypeError,
        }),
      );
      assertSame(shape(error), timeout("a", "firstContent", 10), "the error");
      assertSame(calledModels(journal), ["a"], "the models called");
    },
  ),
  rule(
    "R17",
    "idleMs times each pull after commitment",
    async ({ fallbackStream, fake }) => {
      for (const ignoresAbort of [false, true]) {
        const model = fake("a", [
          "a0",
          step.wait(100),
          "a1",
          step.wait(99),
          "a2",
          step.wait(101),
          "a3",
        ], { ignoresAbort });
        const stream = await fallbackStream([model, fake("b", ["b0"])], "hi", {
          timeouts: { idleMs: 101, closeMs: 0 },
        });
        const start = Date.now();
        const chunks: string[] = [];
        const error = await errorOf((async () => {
          for await (const chunk of stream) chunks.push(chunk);
        })());
        assertSame(chunks, ["a0", "a1", "a2"], "chunks");
        assertSame(shape(error), timeout("a", "idle", 101), "the error");
        assertSame(Date.now() - start, 100 + 99 + 101, "the time it took");
        assertSame([await stream.next(), stream.attempts[0]!.outcome], [
          done,
          "interrupted",
        ], "what comes after it");
      }
    },
  ),
  rule(
    "R17",
    "idleMs does not run while the caller does not pull",
    async ({ fallbackStream, fake }) => {
      const stream = await fallbackStream(
        [fake("a", ["a0", step.wait(5), "a1", step.wait(9), "a2", "a3"])],
        "hi",
        { timeouts: { idleMs: 10 } },
      );
      const chunks: string[] = [];
      for await (const chunk of stream) {
        chunks.push(chunk);
        await pass(chunk === "a1" ? HOUR : 7);
      }
      assertSame(chunks, ["a0", "a1", "a2", "a3"], "chunks");
    },
  ),
  rule(
    "R17",
    "totalMs ends the call before commitment as an abort does, with an error that names the last model",
    async ({ fallbackStream, fake, journal }) => {
      for (const ignoresAbort of [false, true]) {
        const start = Date.now();
        const models = [
          fake("a", [step.wait(30), step.fail(1)]),
          fake("b", [step.hang()], { ignoresAbort }),
          fake("c", ["c0"]),
        ];
        const received: unknown[] = [];
        const fallbackOn = (error: unknown) => received.push(error) > 0;
        const error = await errorOf(
          fallbackStream(models, "hi", {
            timeouts: { totalMs: 50 },
            fallbackOn,
          }),
        );
        assertSame(shape(error), timeout("b", "total", 50), "the error");
        assertSame(Date.now() - start, 50, "the time it took");
        assertSame(received, [1], "the calls of fallbackOn");
      }
      assertSame(
        calledModels(journal).includes("c"),
        false,
        "whether another model was called",
      );
    },
  ),
  rule(
    "R17",
    "totalMs ends the call after commitment, with or without a pull",
    async ({ fallbackStream, fake }) => {
      const waiting = await fallbackStream(
        [fake("a", ["a0", step.hang()])],
        "hi",
        {
          timeouts: { totalMs: 50 },
        },
      );
      await waiting.next();
      assertSame(
        shape(await errorOf(waiting.next())),
        timeout("a", "total", 50),
        "the error of a pending next()",
      );
      assertSame(
        waiting.attempts.map(({ outcome }) => outcome),
        ["cancelled"],
        "the outcome",
      );
      const left = await fallbackStream([fake("b", ["b0", "b1"])], "hi", {
        timeouts: { totalMs: 50 },
      });
      await left.next();
      await pass(60);
      assertSame(
        left.attempts.map(({ outcome }) => outcome),
        ["cancelled"],
        "the outcome without a pull",
      );
      assertSame(
        shape(await errorOf(left.next())),
        timeout("b", "total", 50),
        "the error of the next next()",
      );
      assertSame(await left.next(), done, "what comes after it");
    },
  ),
  rule(
    "R17",
    "a timeout of 0 ms fires at once, and undefined sets no timer",
    async ({ fallbackStream, fake }) => {
      const model = fake("a", [step.wait(HOUR), "a0", step.wait(HOUR), "a1"]);
      assertSame(
        await read(
          await fallbackStream([model], "hi", {
            timeouts: { openMs: undefined },
          }),
        ),
        ["a0", "a1"],
        "chunks without timeouts",
      );
      const error = await errorOf(
        fallbackStream([model], "hi", { timeouts: { totalMs: 0 } }),
      );
      assertSame(shape(error), timeout("a", "total", 0), "the error");
    },
  ),
  rule(
    "R17",
    "fallbackStream() leaves no timer after the call, and timers of an abandoned stream fire at most once",
    async ({ fallbackStream, fake, journal }) => {
      const timeouts = {
        openMs: 1000,
        firstContentMs: 2000,
        idleMs: 3000,
        totalMs: HOUR,
        closeMs: 500,
      };
      await read(
        await fallbackStream(
          [
            fake("a", [step.fail(1)], { stackScript: [] }),
            fake("b", ["b0", "b1"], { disposeScript: [] }),
          ],
          "hi",
          { timeouts },
        ),
      );
      await errorOf(
        fallbackStream([fake("a", [step.fail(1)])], "hi", { timeouts }),
      );
      await read(
        await fallbackStream([fake("c", ["c0", "c1", step.hang()])], "hi", {
          timeouts,
        }),
        1,
      );
      await errorOf(
        read(
          await fallbackStream([fake("d", ["d0", step.fail(1)])], "hi", {
            timeouts,
          }),
        ),
      );
      const { idleMs } = timeouts;
      const abandoned = await fallbackStream(
        [fake("e", ["e0", "e1", "e2"])],
        "hi",
        { timeouts: { idleMs } },
      );
      await abandoned.next();
      await abandoned.next();
      await pass(3 * idleMs);
      // Its idle timer has fired once; the journal counts the timers that are left.
      abandoned.return();
      await pass(0);
      assertSame(journal.calls.length, 6, "calls");
    },
  ),
  rule(
    "R17",
    "firstContentMs and idleMs of 0 fire, and the longest duration does not",
    async ({ fallbackStream, fake }) => {
      const slow = () => fake("a", [step.wait(1), "a0", step.wait(1), "a1"]);
      const content = await errorOf(
        fallbackStream([slow()], "hi", { timeouts: { firstContentMs: 0 } }),
      ) as AggregateError;
      assertSame(
        content.errors.map(shape),
        [timeout("a", "firstContent", 0)],
        "the error of firstContentMs",
      );
      const idle = await fallbackStream([slow()], "hi", {
        timeouts: { idleMs: 0 },
      });
      assertSame(
        shape(await errorOf(read(idle))),
        timeout("a", "idle", 0),
        "the error of idleMs",
      );
      const longest = 2 ** 31 - 1;
      const timeouts = {
        openMs: longest,
        firstContentMs: longest,
        idleMs: longest,
        totalMs: longest,
        closeMs: longest,
      };
      assertSame(
        await read(await fallbackStream([slow()], "hi", { timeouts })),
        [
          "a0",
          "a1",
        ],
        "chunks",
      );
    },
  ),
  rule(
    "R17",
    "idleMs sets no timer per chunk and none for an abandoned stream, and still limits the next pull",
    async ({ fallbackStream, fake }) => {
      const { setTimeout } = globalThis;
      let timers = 0;
      const counting = (...args: Parameters<typeof setTimeout>) => {
        timers++;
        return setTimeout(...args);
      };
      const chunks = Array.from({ length: 100 }, (_, i) => `a${i}`);
      const stream = await fallbackStream(
        [fake("a", [...chunks, step.hang()])],
        "hi",
        { timeouts: { idleMs: 50 } },
      );
      globalThis.setTimeout = counting as typeof setTimeout;
      try {
        for (const _ of chunks) await stream.next();
        assertSame(timers, 1, "timers for 100 chunks");
        await pass(HOUR);
        // The one of this pause is the second.
        assertSame(timers, 2, "timers after an hour without a pull");
      } finally {
        globalThis.setTimeout = setTimeout;
      }
      const start = Date.now();
      assertSame(
        shape(await errorOf(stream.next())),
        timeout("a", "idle", 50),
        "the error of the next pull",
      );
      assertSame(Date.now() - start, 50, "the time it took");
      const later = await fallbackStream(
        [fake("b", ["b0", step.wait(30), "b1", step.hang()])],
        "hi",
        { timeouts: { idleMs: 50 } },
      );
      const begun = Date.now();
      assertSame(
        shape(await errorOf(read(later))),
        timeout("b", "idle", 50),
        "the error of a pull that began while the timer ran",
      );
      assertSame(Date.now() - begun, 80, "the time that took");
    },
  ),
  rule(
    "R17",
    "openMs and firstContentMs have no timer any more once there is content",
    async ({ fallbackStream, fake }) => {
      async function* model() {
        yield "a0";
      }
      // The timers that are left when a case ends are a failure of the case.
      const timeouts = { openMs: 1000, firstContentMs: 1000 };
      await fallbackStream([model], "hi", { timeouts });
      await read(await fallbackStream([fake("b", ["b0"])], "hi"));
    },
  ),
];
