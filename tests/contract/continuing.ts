// Continuing an interrupted answer: R20.

import type { Admission, HealthStore } from "../../src/types/health.ts";
import type { Attempt } from "../../src/types/attempt.ts";
import type { Script } from "../../src/testing/script.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
  type ContinueSubject,
  done,
  errorOf,
  isContent,
  pass,
  read,
  rule,
  type RuleCase,
} from "./_context.ts";

const connectionLost = new Error("connection lost");
const isFinal = (chunk: string) => chunk === "stop";
const outcomes = (attempts: readonly Attempt[]) =>
  attempts.map(({ model, modelIndex, number, outcome }) =>
    `${model} ${modelIndex} ${number} ${outcome}`
  );
const resume = (
  { request, chunks }: { request: unknown; chunks: readonly string[] },
) => `${request}+${chunks.join("")}`;

/** The cases of R20. */
export const continuing = ({ continueStream }: ContinueSubject): RuleCase[] => [
  rule(
    "R20",
    "continueStream() continues an interrupted answer with the next model, without its preamble",
    async ({ fake, journal }) => {
      const received: unknown[] = [];
      const models = [
        fake("a", [step.fail(1)]),
        fake("b", [
          "meta b",
          "b0",
          "b1",
          step.wait(5),
          step.fail(connectionLost),
        ], {
          stackScript: [step.wait(10)],
        }),
        fake("c", [step.fail(2)]),
        fake("d", ["meta d", "meta d", "d0", "d1"]),
      ];
      const stream = await continueStream(models, "hi", {
        isContent,
        resume: (what) => (received.push(what), resume(what)),
      });
      assertSame(stream.model, "b", "the first model");
      assertSame(
        await read(stream),
        ["meta b", "b0", "b1", "d0", "d1"],
        "chunks",
      );
      assertSame(stream.model, "d", "the last model");
      assertSame(outcomes(stream.attempts), [
        "a 0 1 failed",
        "b 1 2 interrupted",
        "c 2 3 failed",
        "d 3 4 completed",
      ], "the records");
      assertSame(received, [{
        request: "hi",
        chunks: ["meta b", "b0", "b1"],
        model: "b",
        error: connectionLost,
      }], "the calls of resume");
      assertSame(journal.calls.map(({ request }) => request), [
        "hi",
        "hi",
        "hi+meta bb0b1",
        "hi+meta bb0b1",
      ], "the requests");
      assertSame(
        Date.now(),
        15,
        "the time it took, including the close of the interrupted model",
      );
    },
  ),
  rule(
    "R20",
    "continueStream() uses isContent and isFinal of a model in a nested chain",
    async ({ fallbackModel, fake }) => {
      const predicates = { isContent, isFinal };
      const inner = (name: string, script: Script<string>) =>
        fallbackModel([fallbackModel([fake(name, script, predicates)])]);
      const resumed = await continueStream(
        [
          inner("a", ["meta a", "a0", step.fail(connectionLost)]),
          inner("b", ["meta b", "meta b", "b0", "stop"]),
        ],
        "hi",
        { resume },
      );
      assertSame(await read(resumed), ["meta a", "a0", "b0", "stop"], "chunks");
      const complete = await continueStream(
        [
          inner("c", ["meta c", "c0", "stop", step.fail(connectionLost)]),
          inner("d", ["d0", "stop"]),
        ],
        "hi",
        { resume },
      );
      assertSame(
        await errorOf(read(complete)),
        connectionLost,
        "what comes after a final chunk",
      );
    },
  ),
  rule(
    "R20",
    "continueStream() continues more than once and passes all delivered chunks to resume",
    async ({ fake }) => {
      const models = ["a", "b", "c"].map((name) =>
        fake(name, [
          `${name}0`,
          `${name}1`,
          name === "c" ? step.wait(0) : step.fail(connectionLost),
        ])
      );
      const stream = await continueStream(models, "hi", {
        resume,
        timeouts: { idleMs: 50 },
      });
      assertSame(
        await read(stream),
        ["a0", "a1", "b0", "b1", "c0", "c1"],
        "chunks",
      );
    },
  ),
  rule(
    "R20",
    "continueStream() throws the error when resume declines, when no model is left, and after a final chunk",
    async ({ fake, journal }) => {
      const received: unknown[] = [];
      const silent = () => void received.push("resume");
      const options = { isFinal, resume: silent };
      assertSame(
        await errorOf(
          read(
            await continueStream(
              [fake("a", ["a0", step.fail(connectionLost)]), fake("b", ["b0"])],
              "hi",
              options,
            ),
          ),
        ),
        connectionLost,
        "the error where resume gives up",
      );
      assertSame(received.splice(0), ["resume"], "the calls of resume");
      assertSame(
        await errorOf(
          read(
            await continueStream(
              [fake("c", ["c0", step.fail(connectionLost)])],
              "hi",
              options,
            ),
          ),
        ),
        connectionLost,
        "the error of the last model",
      );
      assertSame(
        await errorOf(
          read(
            await continueStream(
              [
                fake("d", ["d0", "stop", step.fail(connectionLost)]),
                fake("e", ["e0"]),
              ],
              "hi",
              options,
            ),
          ),
        ),
        connectionLost,
        "the error after a final chunk",
      );
      assertSame(
        received,
        [],
        "the calls of resume where there is nothing to continue",
      );
      assertSame(calledModels(journal), ["a", "c", "d"], "the models called");
    },
  ),
  rule(
    "R20",
    "continueStream() continues truncated and stalled answers",
    async ({ fake }) => {
      for (const end of [step.truncate(), step.hang()]) {
        const stream = await continueStream(
          [fake("a", ["a0", end]), fake("b", ["b0", "stop"])],
          "hi",
          { isFinal, resume, timeouts: { idleMs: 100 } },
        );
        assertSame(await read(stream), ["a0", "b0", "stop"], "chunks");
      }
    },
  ),
  rule(
    "R20",
    "continueStream() rejects with the error of every model when the remaining ones fail",
    async ({ fake }) => {
      const stream = await continueStream(
        [
          fake("a", ["a0", step.fail(connectionLost)]),
          fake("b", [step.fail("b")]),
          fake("c", [step.fail("c")]),
        ],
        "hi",
        { resume },
      );
      const error = await errorOf(read(stream)) as AggregateError & {
        attempts: Attempt[];
      };
      assertSame([error.name, error.errors], ["AllModelsFailedError", [
        connectionLost,
        "b",
        "c",
      ]], "the error");
      assertSame(outcomes(error.attempts), [
        "a 0 1 interrupted",
        "b 1 2 failed",
        "c 2 3 failed",
      ], "its records");
      assertSame(await stream.next(), done, "what comes after it");
    },
  ),
  rule(
    "R20",
    "continueStream() throws a SuppressedError with both errors when resume throws",
    async ({ fake }) => {
      const wrong = new Error("wrong");
      const stream = await continueStream(
        [fake("a", ["a0", step.fail(connectionLost)]), fake("b", ["b0"])],
        "hi",
        { resume: () => Promise.reject(wrong) },
      );
      const { name, error, suppressed } = await errorOf(
        read(stream),
      ) as SuppressedError;
      assertSame(
        [name, error, suppressed],
        ["SuppressedError", wrong, connectionLost],
        "the error",
      );
    },
  ),
  rule(
    "R20",
    "totalMs of continueStream() covers all models and the call of resume",
    async ({ fake }) => {
      const slow = async (
        what: { request: unknown; chunks: readonly string[] },
      ) => {
        await pass(60);
        return resume(what);
      };
      for (const [totalMs, model] of [[100, "a"], [200, "b"]] as const) {
        const start = Date.now();
        const stream = await continueStream(
          [
            fake("a", [step.wait(50), "a0", step.fail(connectionLost)]),
            fake("b", [step.wait(30), "b0", step.hang()]),
          ],
          "hi",
          { resume: slow, timeouts: { totalMs } },
        );
        const error = await errorOf(read(stream)) as Error & {
          model: string;
          phase: string;
          ms: number;
        };
        assertSame([error.name, error.phase, error.ms, error.model], [
          "ModelTimeoutError",
          "total",
          totalMs,
          model,
        ], "the error");
        assertSame(Date.now() - start, totalMs, "the time it took");
        await pass(100);
      }
    },
  ),
  rule(
    "R20",
    "continueStream() ends at once on an abort or a close and leaves nothing open",
    async ({ fake, signal, journal }) => {
      const stop = new Error("stop");
      const never = () => new Promise<never>(() => {});
      const scripts = [["a0", step.hang()], ["a0", step.fail(connectionLost)]];
      for (const [i, script] of scripts.entries()) {
        const models = () => [
          fake("a", script, { disposeScript: [], stackScript: [] }),
          fake("b", [step.hang()], { stackScript: [] }),
        ];
        let received = 0;
        const options = { resume: () => (received++, never()) };
        const aborted = await continueStream(models(), "hi", {
          ...options,
          signal: signal(20, stop),
        });
        await aborted.next();
        assertSame(await errorOf(aborted.next()), stop, "the error");
        const left = await continueStream(models(), "hi", options);
        const start = Date.now();
        await left.next();
        const pending = left.next();
        await pass(5);
        await left.return();
        assertSame(
          [await pending, await left.next()],
          [done, done],
          "the pending next()",
        );
        assertSame(Date.now() - start, 5, "the time it took");
        // Twice after an interruption, never where the caller only closed the stream.
        assertSame(received, 2 * i, "how often resume was called");
      }
      const opening = await continueStream(
        [
          fake("a", ["a0", step.fail(connectionLost)]),
          fake("b", [step.hang()], { stackScript: [step.wait(5)] }),
        ],
        "hi",
        { resume, signal: signal(20, stop) },
      );
      await opening.next();
      assertSame(
        await errorOf(opening.next()),
        stop,
        "the error while the next model opens",
      );
      assertSame(
        journal.calls.at(-1)!.closes,
        ["stack"],
        "how that was closed",
      );
      assertSame(
        await errorOf(
          continueStream([fake("c", [step.hang()])], "hi", {
            resume,
            signal: signal(20, stop),
          }),
        ),
        stop,
        "the error before any answer",
      );
    },
  ),
  rule(
    "R20",
    "continueStream() is pull-based, keeps the order and converts to a ReadableStream",
    async ({ fake, journal }) => {
      const models = () => [
        fake("a", ["a0", "a1", step.fail(connectionLost)]),
        fake("b", ["b0", "b1", "b2"]),
      ];
      const stream = await continueStream(models(), "hi", { resume });
      await pass(10);
      assertSame(journal.calls[0]!.chunks, 1, "chunks that were pulled ahead");
      const results = await Promise.all(
        [0, 1, 2, 3, 4, 5].map(() => stream.next()),
      );
      assertSame(results.map(({ value }) => value), [
        "a0",
        "a1",
        "b0",
        "b1",
        "b2",
        undefined,
      ], "results");
      const readable = (await continueStream(models(), "hi", { resume }))
        .toReadableStream();
      assertSame(
        await read(readable),
        ["a0", "a1", "b0", "b1", "b2"],
        "chunks",
      );
    },
  ),
  rule(
    "R20",
    "continueStream() rejects with a TypeError before opening anything when resume is not a function",
    async ({ fake, journal }) => {
      for (const resume of [undefined, "go on"]) {
        const error = await errorOf(
          continueStream([fake("a", ["a0"])], "hi", {
            resume: resume as never,
          }),
        ) as Error;
        assertSame([error.name, error.message.includes("options.resume")], [
          "TypeError",
          true,
        ], "the error");
      }
      assertSame(calledModels(journal), [], "the models called");
    },
  ),
  rule(
    "R21",
    "continueStream() calls admit() again for each part and tries all remaining models if all are skipped",
    async ({ fake, journal }) => {
      const log: string[] = [];
      const health: HealthStore = {
        admit: (model) => {
          log.push(`${model} admit`);
          return model === "a" ? { admit: true } : { admit: false, retryAt: 1 };
        },
        report: (model, outcome) => void log.push(`${model} ${outcome}`),
      };
      const models = [
        fake("a", ["a0", step.fail(connectionLost)]),
        fake("b", [step.fail(1)]),
        fake("c", ["c0"]),
      ];
      const stream = await continueStream(models, "hi", { resume, health });
      assertSame(await read(stream), ["a0", "c0"], "chunks");
      assertSame(calledModels(journal), ["a", "b", "c"], "the models called");
      assertSame(outcomes(stream.attempts), [
        "a 0 1 interrupted",
        "b 1 2 skipped",
        "c 2 3 skipped",
        "b 1 4 failed",
        "c 2 5 completed",
      ], "the records");
      assertSame(log, [
        "a admit",
        "a success",
        "a failure",
        "b admit",
        "c admit",
        "b failure",
        "c success",
      ], "the calls of the store");
    },
  ),
  rule(
    "R21",
    "totalMs of continueStream() ends a pending admit() before the first model and after an interruption",
    async ({ fake, journal }) => {
      const options = (silent: string) => ({
        resume,
        timeouts: { totalMs: 100 },
        health: {
          admit: (model: string): Admission | Promise<Admission> =>
            model === silent ? new Promise(() => {}) : { admit: true },
          report: () => {},
        },
      });
      const models = [
        fake("a", ["a0", step.fail(connectionLost)]),
        fake("b", ["b0"]),
      ];
      const stream = await continueStream(models, "hi", options("b"));
      for (
        const work of [
          read(stream),
          continueStream(models, "hi", options("a")),
        ]
      ) {
        const error = await errorOf(work) as Error & { model: string };
        assertSame([error.name, error.model, Date.now()], [
          "ModelTimeoutError",
          "a",
          100,
        ], "the error");
      }
      assertSame(calledModels(journal), ["a"], "the models called");
    },
  ),
  rule(
    "R20",
    "continueStream() drops the whole preamble of a nested chain",
    async ({ fallbackModel, fake }) => {
      const models = ["a", "b"].map((name) => {
        const end = name === "a" ? [step.fail(connectionLost)] : [];
        const script = ["meta", "meta", `${name}0`, ...end];
        return fallbackModel([fake(name, script, { isContent })]);
      });
      const stream = await continueStream(models, "hi", { resume });
      assertSame(await read(stream), ["meta", "meta", "a0", "b0"], "chunks");
    },
  ),
  rule(
    "R6",
    "AllModelsFailedError of a continued answer also names the models that the store refused",
    async ({ fake }) => {
      const health: HealthStore = {
        admit: (model) =>
          model === "a" ? { admit: false, retryAt: 5000 } : { admit: true },
        report: () => {},
      };
      const models = [
        fake("a", ["a0"]),
        fake("b", ["b0", step.fail(connectionLost)]),
        fake("c", [step.fail(new Error("overloaded"))]),
      ];
      const stream = await continueStream(models, "hi", { health, resume });
      const error = await errorOf(read(stream)) as AggregateError;
      assertSame(
        error.message.split("\n").slice(1),
        [
          'a: Circuit of "a" is open for another 5000 ms (health)',
          "b: connection lost",
          "c: overloaded",
        ],
        "the lines of the message",
      );
      assertSame(error.errors.length, 2, "the number of failures");
    },
  ),
];
