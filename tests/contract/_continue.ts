// Continuing after a cut: R20.

import type { Admission, HealthStore } from "../../src/types/health.ts";
import type { Attempt } from "../../src/types/attempt.ts";
import { type Script } from "../../src/testing/script.ts";
import * as step from "../../src/testing/step.ts";
import {
  called,
  caught,
  type ContinueSubject,
  done,
  isContent,
  pass,
  type Promised,
  promised,
  read,
  same,
} from "./_context.ts";

const cut = new Error("connection lost");
const isFinal = (chunk: string) => chunk === "stop";
const outcomes = (attempts: readonly Attempt[]) =>
  attempts.map(({ model, modelIndex, number, outcome }) =>
    `${model} ${modelIndex} ${number} ${outcome}`
  );
const resume = (
  { request, chunks }: { request: unknown; chunks: readonly string[] },
) => `${request}+${chunks.join("")}`;

/** The promises of R20. */
export const continuing = ({ continueStream }: ContinueSubject): Promised[] => [
  promised(
    "R20",
    "goes on with the models after the one that was cut, without their preamble",
    async ({ fake, journal }) => {
      const asked: unknown[] = [];
      const models = [
        fake("a", [step.fail(1)]),
        fake("b", ["meta b", "b0", "b1", step.wait(5), step.fail(cut)], {
          stackScript: [step.wait(10)],
        }),
        fake("c", [step.fail(2)]),
        fake("d", ["meta d", "meta d", "d0", "d1"]),
      ];
      const stream = await continueStream(models, "hi", {
        isContent,
        resume: (what) => (asked.push(what), resume(what)),
      });
      same(stream.model, "b", "the first model");
      same(await read(stream), ["meta b", "b0", "b1", "d0", "d1"], "chunks");
      same(stream.model, "d", "the last model");
      same(outcomes(stream.attempts), [
        "a 0 1 failed",
        "b 1 2 interrupted",
        "c 2 3 failed",
        "d 3 4 completed",
      ], "the records");
      same(asked, [{
        request: "hi",
        chunks: ["meta b", "b0", "b1"],
        model: "b",
        error: cut,
      }], "what resume was asked");
      same(journal.calls.map(({ request }) => request), [
        "hi",
        "hi",
        "hi+meta bb0b1",
        "hi+meta bb0b1",
      ], "the requests");
      same(
        Date.now(),
        15,
        "the time it took, with the close of the one that was cut",
      );
    },
  ),
  promised(
    "R20",
    "knows the preamble and the final chunk of a model within a chain",
    async ({ fallbackModel, fake }) => {
      const judges = { isContent, isFinal };
      const inner = (name: string, script: Script<string>) =>
        fallbackModel([fallbackModel([fake(name, script, judges)])]);
      const resumed = await continueStream(
        [
          inner("a", ["meta a", "a0", step.fail(cut)]),
          inner("b", ["meta b", "meta b", "b0", "stop"]),
        ],
        "hi",
        { resume },
      );
      same(await read(resumed), ["meta a", "a0", "b0", "stop"], "chunks");
      const complete = await continueStream(
        [
          inner("c", ["meta c", "c0", "stop", step.fail(cut)]),
          inner("d", ["d0", "stop"]),
        ],
        "hi",
        { resume },
      );
      same(await caught(read(complete)), cut, "what comes after a final chunk");
    },
  ),
  promised(
    "R20",
    "goes on more than once, with all that was delivered",
    async ({ fake }) => {
      const models = ["a", "b", "c"].map((name) =>
        fake(name, [
          `${name}0`,
          `${name}1`,
          name === "c" ? step.wait(0) : step.fail(cut),
        ])
      );
      const stream = await continueStream(models, "hi", {
        resume,
        timeouts: { idleMs: 50 },
      });
      same(await read(stream), ["a0", "a1", "b0", "b1", "c0", "c1"], "chunks");
    },
  ),
  promised(
    "R20",
    "gives up with the error where resume does, where no model is left, and after a final chunk",
    async ({ fake, journal }) => {
      const asked: unknown[] = [];
      const silent = () => void asked.push("asked");
      const options = { isFinal, resume: silent };
      same(
        await caught(
          read(
            await continueStream(
              [fake("a", ["a0", step.fail(cut)]), fake("b", ["b0"])],
              "hi",
              options,
            ),
          ),
        ),
        cut,
        "the error where resume gives up",
      );
      same(asked.splice(0), ["asked"], "what resume was asked");
      same(
        await caught(
          read(
            await continueStream(
              [fake("c", ["c0", step.fail(cut)])],
              "hi",
              options,
            ),
          ),
        ),
        cut,
        "the error of the last model",
      );
      same(
        await caught(
          read(
            await continueStream(
              [fake("d", ["d0", "stop", step.fail(cut)]), fake("e", ["e0"])],
              "hi",
              options,
            ),
          ),
        ),
        cut,
        "the error after a final chunk",
      );
      same(asked, [], "what resume was asked where there is nothing to ask");
      same(called(journal), ["a", "c", "d"], "the models called");
    },
  ),
  promised(
    "R20",
    "continues a truncated answer and one that stalls",
    async ({ fake }) => {
      for (const end of [step.truncate(), step.hang()]) {
        const stream = await continueStream(
          [fake("a", ["a0", end]), fake("b", ["b0", "stop"])],
          "hi",
          { isFinal, resume, timeouts: { idleMs: 100 } },
        );
        same(await read(stream), ["a0", "b0", "stop"], "chunks");
      }
    },
  ),
  promised(
    "R20",
    "says why each failed, the one that was cut too, when the rest fails",
    async ({ fake }) => {
      const stream = await continueStream(
        [
          fake("a", ["a0", step.fail(cut)]),
          fake("b", [step.fail("b")]),
          fake("c", [step.fail("c")]),
        ],
        "hi",
        { resume },
      );
      const error = await caught(read(stream)) as AggregateError & {
        attempts: Attempt[];
      };
      same([error.name, error.errors], ["AllModelsFailedError", [
        cut,
        "b",
        "c",
      ]], "the error");
      same(outcomes(error.attempts), [
        "a 0 1 interrupted",
        "b 1 2 failed",
        "c 2 3 failed",
      ], "its records");
      same(await stream.next(), done, "what comes after it");
    },
  ),
  promised("R20", "says both errors when resume throws", async ({ fake }) => {
    const wrong = new Error("wrong");
    const stream = await continueStream(
      [fake("a", ["a0", step.fail(cut)]), fake("b", ["b0"])],
      "hi",
      { resume: () => Promise.reject(wrong) },
    );
    const { name, error, suppressed } = await caught(
      read(stream),
    ) as SuppressedError;
    same(
      [name, error, suppressed],
      ["SuppressedError", wrong, cut],
      "the error",
    );
  }),
  promised(
    "R20",
    "runs totalMs on over all models, and ends with it while resume is asked",
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
            fake("a", [step.wait(50), "a0", step.fail(cut)]),
            fake("b", [step.wait(30), "b0", step.hang()]),
          ],
          "hi",
          { resume: slow, timeouts: { totalMs } },
        );
        const error = await caught(read(stream)) as Error & {
          model: string;
          phase: string;
          ms: number;
        };
        same([error.name, error.phase, error.ms, error.model], [
          "ModelTimeoutError",
          "total",
          totalMs,
          model,
        ], "the error");
        same(Date.now() - start, totalMs, "the time it took");
        await pass(100);
      }
    },
  ),
  promised(
    "R20",
    "ends at once with an abort or a close, whatever it waits for, and leaves nothing open",
    async ({ fake, signal, journal }) => {
      const stop = new Error("stop");
      const never = () => new Promise<never>(() => {});
      const scripts = [["a0", step.hang()], ["a0", step.fail(cut)]];
      for (const [i, script] of scripts.entries()) {
        const models = () => [
          fake("a", script, { disposeScript: [], stackScript: [] }),
          fake("b", [step.hang()], { stackScript: [] }),
        ];
        let asked = 0;
        const options = { resume: () => (asked++, never()) };
        const aborted = await continueStream(models(), "hi", {
          ...options,
          signal: signal(20, stop),
        });
        await aborted.next();
        same(await caught(aborted.next()), stop, "the error");
        const left = await continueStream(models(), "hi", options);
        const start = Date.now();
        await left.next();
        const pending = left.next();
        await pass(5);
        await left.return();
        same(
          [await pending, await left.next()],
          [done, done],
          "the pending next()",
        );
        same(Date.now() - start, 5, "the time it took");
        // Twice where it was cut, never where only the caller left.
        same(asked, 2 * i, "how often resume was asked");
      }
      const opening = await continueStream(
        [
          fake("a", ["a0", step.fail(cut)]),
          fake("b", [step.hang()], { stackScript: [step.wait(5)] }),
        ],
        "hi",
        { resume, signal: signal(20, stop) },
      );
      await opening.next();
      same(
        await caught(opening.next()),
        stop,
        "the error while the next model opens",
      );
      same(journal.calls.at(-1)!.closes, ["stack"], "how that was closed");
      same(
        await caught(
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
  promised(
    "R20",
    "is a stream like any other: pulled by the caller, in order, as a ReadableStream too",
    async ({ fake, journal }) => {
      const models = () => [
        fake("a", ["a0", "a1", step.fail(cut)]),
        fake("b", ["b0", "b1", "b2"]),
      ];
      const stream = await continueStream(models(), "hi", { resume });
      await pass(10);
      same(journal.calls[0]!.chunks, 1, "chunks that were pulled ahead");
      const results = await Promise.all(
        [0, 1, 2, 3, 4, 5].map(() => stream.next()),
      );
      same(results.map(({ value }) => value), [
        "a0",
        "a1",
        "b0",
        "b1",
        "b2",
        undefined,
      ], "results");
      const readable = (await continueStream(models(), "hi", { resume }))
        .toReadableStream();
      same(await read(readable), ["a0", "a1", "b0", "b1", "b2"], "chunks");
    },
  ),
  promised(
    "R20",
    "refuses a resume that is none before anything is opened",
    async ({ fake, journal }) => {
      for (const resume of [undefined, "go on"]) {
        const error = await caught(
          continueStream([fake("a", ["a0"])], "hi", {
            resume: resume as never,
          }),
        ) as Error;
        same([error.name, error.message.includes("options.resume")], [
          "TypeError",
          true,
        ], "the error");
      }
      same(called(journal), [], "the models called");
    },
  ),
  promised(
    "R21",
    "asks the health store for each part anew, and tries all that are left if all are skipped",
    async ({ fake, journal }) => {
      const heard: string[] = [];
      const health: HealthStore = {
        admit: (model) => {
          heard.push(`${model} asked`);
          return model === "a" ? { admit: true } : { admit: false, retryAt: 1 };
        },
        report: (model, outcome) => void heard.push(`${model} ${outcome}`),
      };
      const models = [
        fake("a", ["a0", step.fail(cut)]),
        fake("b", [step.fail(1)]),
        fake("c", ["c0"]),
      ];
      const stream = await continueStream(models, "hi", { resume, health });
      same(await read(stream), ["a0", "c0"], "chunks");
      same(called(journal), ["a", "b", "c"], "the models called");
      same(outcomes(stream.attempts), [
        "a 0 1 interrupted",
        "b 1 2 skipped",
        "c 2 3 skipped",
        "b 1 4 failed",
        "c 2 5 completed",
      ], "the records");
      same(heard, [
        "a asked",
        "a success",
        "a failure",
        "b asked",
        "c asked",
        "b failure",
        "c success",
      ], "what the store heard");
    },
  ),
  promised(
    "R21",
    "totalMs ends the question for a first model too, and for one after a cut",
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
      const models = [fake("a", ["a0", step.fail(cut)]), fake("b", ["b0"])];
      const stream = await continueStream(models, "hi", options("b"));
      for (
        const work of [
          read(stream),
          continueStream(models, "hi", options("a")),
        ]
      ) {
        const error = await caught(work) as Error & { model: string };
        same([error.name, error.model, Date.now()], [
          "ModelTimeoutError",
          "a",
          100,
        ], "the error");
      }
      same(called(journal), ["a"], "the models called");
    },
  ),
];
