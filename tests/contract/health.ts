// Health: R21.

import type {
  Admission,
  HealthReport,
  HealthStore,
} from "../../src/types/health.ts";
import type { Attempt } from "../../src/types/attempt.ts";
import type { FallbackEvent } from "../../src/types/events.ts";
import * as step from "../../src/testing/step.ts";
import {
  type AnyEvent,
  assertSame,
  calledModels,
  errorOf,
  isContent,
  type Options,
  pass,
  read,
  rule,
  type RuleCase,
} from "./_context.ts";

const yes: Admission = { admit: true };
const no: Admission = { admit: false, retryAt: 5000 };
const steady = { jitter: 0 };
const never = () => new Promise<never>(() => {});
type Failed = AggregateError & { attempts: readonly Attempt[] };
const outcomes = (attempts: readonly Attempt[]) =>
  attempts.map(({ model, outcome }) => `${model} ${outcome}`);

/** A store that also records its calls, and when they came. */
interface Scripted extends HealthStore {
  readonly log: unknown[][];
}

function store(
  admit: (model: string) => Admission | PromiseLike<Admission>,
  report: () => unknown = () => {},
): Scripted {
  const log: unknown[][] = [];
  return {
    log,
    admit(model) {
      log.push([Date.now(), model, "admit"]);
      return admit(model);
    },
    report(...received: [string, HealthReport, unknown?]) {
      log.push([Date.now(), ...received]);
      return report();
    },
  };
}

/** One that refuses these models. */
const without = (...models: string[]) =>
  store((model) => models.includes(model) ? no : yes);

/** The cases of R21. */
export const health: RuleCase[] = [
  rule(
    "R21",
    "fallbackStream() skips a model whose circuit is open and records it",
    async ({ fallbackStream, fake, journal }) => {
      const received: unknown[][] = [];
      const health = store((model) => model === "a" ? no : yes);
      const stream = await fallbackStream(
        [fake("a", ["a0"]), fake("b", ["b0"])],
        "hi",
        {
          health,
          onEvent: ({ type, attempt, error }: AnyEvent) =>
            void received.push([type, attempt!.model, ...error ? [error] : []]),
        },
      );
      assertSame(await read(stream), ["b0"], "chunks");
      assertSame(calledModels(journal), ["b"], "the models called");
      const [first, second] = stream.attempts;
      const { error, ...record } = first!;
      assertSame(record, {
        model: "a",
        modelIndex: 0,
        number: 1,
        startedAt: 0,
        endedAt: 0,
        outcome: "skipped",
        chunks: 0,
      }, "the record");
      const { name, model, retryAt } = error as Error & {
        model: string;
        retryAt: number;
      };
      assertSame(
        [name, model, retryAt],
        ["CircuitOpenError", "a", 5000],
        "its error",
      );
      assertSame(second!.number, 2, "the number of the next attempt");
      assertSame(received, [
        ["skipped", "a", error],
        ["started", "b"],
        ["opened", "b"],
        ["committed", "b"],
        ["completed", "b"],
        ["closed", "b"],
      ], "the events");
      assertSame(health.log, [
        [0, "a", "admit"],
        [0, "b", "admit"],
        [0, "b", "success"],
      ], "the calls of the store");
    },
  ),
  rule(
    "R21",
    "admit() is called before each retry, after its backoff, and a refused model is tried last",
    async ({ fallbackStream, fake, journal }) => {
      const busy = new Error("busy");
      const seen: unknown[] = [];
      const answers = [yes, yes, { admit: false, retryAt: 60_000 }, yes];
      const health = store(() => answers.shift()!);
      const error = await errorOf(
        fallbackStream(
          [
            fake("a", [step.wait(10), step.fail(busy)]),
            fake("b", [step.fail(busy)]),
          ],
          "hi",
          {
            health,
            retry: { ...steady, isRetriable: (_, { model }) => model === "a" },
            fallbackOn: (error: unknown) => seen.push(error) > 0,
          },
        ),
      ) as Failed;
      assertSame(
        calledModels(journal),
        ["a", "a", "b", "a"],
        "the models called",
      );
      assertSame(
        error.attempts.map(({ model, number, outcome, startedAt }) =>
          `${model} ${number} ${outcome} ${startedAt}`
        ),
        [
          "a 1 failed 0",
          "a 2 failed 510",
          "a 3 skipped 1520",
          "b 4 failed 1520",
          "a 5 failed 1520",
        ],
        "the records",
      );
      assertSame(seen, [busy, busy, busy, busy], "what fallbackOn received");
      assertSame(health.log, [
        [0, "a", "admit"],
        [10, "a", "failure", busy],
        [510, "a", "admit"],
        [520, "a", "failure", busy],
        [1520, "a", "admit"],
        [1520, "b", "admit"],
        [1520, "b", "failure", busy],
        [1530, "a", "failure", busy],
      ], "the calls of the store");
    },
  ),
  rule(
    "R21",
    "a refused retry waits for a circuit that closes within maxDelayMs, once",
    async ({ fallbackStream, fake, journal }) => {
      const busy = new Error("busy");
      const soon = (ms: number) => ({ admit: false, retryAt: ms }) as const;
      const answers = [yes, soon(3000), soon(4000), yes];
      const stream = await fallbackStream(
        [
          fake("a", { scripts: [[step.fail(busy)], ["a0"]] }),
          fake("b", [step.wait(5), step.fail(busy)]),
        ],
        "hi",
        {
          health: store(() => answers.shift()!),
          retry: {
            ...steady,
            maxAttempts: 2,
            isRetriable: (_, attempt) => attempt.model === "a",
          },
        },
      );
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(calledModels(journal), ["a", "b", "a"], "the models called");
      assertSame(
        stream.attempts.map(({ model, outcome, startedAt }) =>
          `${model} ${outcome} ${startedAt}`
        ),
        [
          "a failed 0",
          "a skipped 500",
          "a skipped 3000",
          "b failed 3000",
          "a completed 3005",
        ],
        "the records",
      );
    },
  ),
  rule(
    "R21",
    "skipped models are tried last, in list order, with hedges and fallbackOn, and reported",
    async ({ fallbackStream, fake, journal }) => {
      const refused = new Error("refused");
      const health = without("a", "c");
      const models = [
        fake("a", [step.wait(500), step.fail(1)]),
        fake("b", [step.wait(50), step.fail(1)]),
        fake("c", ["c0"]),
      ];
      const hedge = { afterMs: 100, maxInFlight: 3 };
      const stream = await fallbackStream(models, "hi", { health, hedge });
      assertSame(await read(stream), ["c0"], "chunks");
      assertSame(
        stream.attempts.map(({ model, outcome, startedAt }) =>
          `${model} ${outcome} ${startedAt}`
        ),
        [
          "a skipped 0",
          "b failed 0",
          "c skipped 50",
          "a lost 50",
          "c completed 150",
        ],
        "the records",
      );
      assertSame(calledModels(journal), ["b", "a", "c"], "the models called");
      assertSame(
        health.log.filter(([, , what]) => what !== "admit"),
        [
          [50, "b", "failure", 1],
          [150, "a", "released"],
          [150, "c", "success"],
        ],
        "the calls of the store",
      );
      const error = await errorOf(
        fallbackStream(
          [fake("d", [step.fail(refused)]), fake("e", [step.fail(1)])],
          "hi",
          {
            health: without("d"),
            fallbackOn: (error: unknown) => error !== refused,
          },
        ),
      );
      assertSame(error, refused, "a failure that fallbackOn refuses");
    },
  ),
  rule(
    "R21",
    "fallbackStream() waits up to 250 ms for admit() and ignores a later result",
    async ({ fallbackStream, fake, journal }) => {
      const late = (ms: number, answer: Admission) =>
        pass(ms).then(() => answer);
      const answers: [() => Promise<Admission>, ms: number, skips: boolean][] =
        [
          [() => late(100, yes), 100, false],
          [() => late(249, no), 249, true],
          [() => late(251, no), 250, false],
          [() => late(251, yes), 250, false],
          [() => pass(300).then(() => Promise.reject("late")), 250, false],
          [never, 250, false],
        ];
      for (const [answer, ms, skips] of answers) {
        const start = Date.now();
        const health = store((model) => model === "a" ? answer() : yes);
        const stream = await fallbackStream(
          [fake("a", ["a0"]), fake("b", ["b0"])],
          "hi",
          { health },
        );
        assertSame(Date.now() - start, ms, "the time of the answer");
        assertSame(
          stream.attempts.map(({ outcome, startedAt }) =>
            `${outcome} ${startedAt - start}`
          ),
          skips ? [`skipped ${ms}`, `streaming ${ms}`] : [`streaming ${ms}`],
          "the records",
        );
        await pass(500);
        await read(stream);
        assertSame(
          stream.attempts.length,
          skips ? 2 : 1,
          "the records at the end",
        );
        assertSame(health.log.slice(skips ? 2 : 1), [
          [start + ms, skips ? "b" : "a", "success"],
        ], "the calls of the store");
      }
      assertSame(calledModels(journal), [..."abaaaa"], "the models called");
    },
  ),
  rule(
    "R21",
    "fallbackStream() calls the model when admit() throws or returns an invalid value",
    async ({ fallbackStream, fake }) => {
      const wrong = new Error("wrong");
      const answers: (() => unknown)[] = [
        () => {
          throw wrong;
        },
        () => Promise.reject(wrong),
        ...[undefined, null, 42, "no", false, {}, { admit: 0 }].flatMap((
          rubbish,
        ) => [() => rubbish, () => Promise.resolve(rubbish)]),
      ];
      for (const answer of answers) {
        const health = store(answer as () => Admission);
        const stream = await fallbackStream([fake("a", ["a0"])], "hi", {
          health,
        });
        assertSame(await read(stream), ["a0"], "chunks");
        assertSame(Date.now(), 0, "the time it took");
        assertSame(outcomes(stream.attempts), ["a completed"], "outcomes");
        assertSame(health.log.at(-1), [0, "a", "success"], "the report");
      }
    },
  ),
  rule(
    "R21",
    "fallbackStream() sets no timer when admit() returns synchronously",
    async ({ fallbackStream, fake }) => {
      const { setTimeout } = globalThis;
      const timers: unknown[] = [];
      globalThis.setTimeout = ((fn: () => void, ms: number) => {
        timers.push(ms);
        return setTimeout(fn, ms);
      }) as typeof setTimeout;
      try {
        const health = without("a");
        const models = [fake("a", ["a0"]), fake("b", ["b0"])];
        await read(await fallbackStream(models, "hi", { health }));
      } finally {
        globalThis.setTimeout = setTimeout;
      }
      assertSame(timers.includes(250), false, "whether it waited");
    },
  ),
  rule(
    "R21",
    "fallbackStream() tries all models in order when every one is skipped, with retries and without calling admit() again",
    async ({ fallbackStream, fake, journal }) => {
      const busy = new Error("busy");
      const health = without("a", "b", "c");
      const models = [
        fake("a", [step.fail(busy)]),
        fake("b", ["b0"]),
        fake("c", ["c0"]),
      ];
      const retry = { ...steady, maxAttempts: 2 };
      const stream = await fallbackStream(models, "hi", { health, retry });
      assertSame(await read(stream), ["b0"], "chunks");
      assertSame(calledModels(journal), ["a", "a", "b"], "the models called");
      assertSame(
        stream.attempts.map(({ model, modelIndex, number, outcome }) =>
          `${model} ${modelIndex} ${number} ${outcome}`
        ),
        [
          "a 0 1 skipped",
          "b 1 2 skipped",
          "c 2 3 skipped",
          "a 0 4 failed",
          "a 0 5 failed",
          "b 1 6 completed",
        ],
        "the records",
      );
      assertSame(health.log, [
        [0, "a", "admit"],
        [0, "b", "admit"],
        [0, "c", "admit"],
        [0, "a", "failure", busy],
        [500, "a", "failure", busy],
        [500, "b", "success"],
      ], "the calls of the store");
      const again = await fallbackStream(models.slice(1), "hi", { health });
      await read(again);
      assertSame(
        outcomes(again.attempts),
        ["b skipped", "c skipped", "b completed"],
        "the records of another call",
      );
    },
  ),
  rule(
    "R21",
    "fallbackStream() hedges when all models were skipped, and the budget earns once per call",
    async ({ fallbackStream, fake }) => {
      const received: string[] = [];
      const budget = {
        earn: () => void received.push("earn"),
        take: () => received.push("take") > 0,
      };
      const health = without("a", "b");
      const stream = await fallbackStream(
        [fake("a", [step.hang()]), fake("b", [step.wait(20), "b0"])],
        "hi",
        { health, hedge: { afterMs: 100, budget } },
      );
      assertSame(await read(stream), ["b0"], "chunks");
      assertSame(
        stream.attempts.map(({ model, outcome, startedAt }) =>
          `${model} ${outcome} ${startedAt}`
        ),
        ["a skipped 0", "b skipped 0", "a lost 0", "b completed 100"],
        "the records",
      );
      assertSame(received, ["earn", "take"], "the calls of the budget");
      assertSame(
        health.log.slice(2).map(([, ...received]) => received).sort(),
        [
          ["a", "released"],
          ["b", "success"],
        ],
        "the calls of the store",
      );
    },
  ),
  rule(
    "R21",
    "AllModelsFailedError has the failures of attempts, and one line per model from its last attempt",
    async ({ fallbackStream, fake, journal }) => {
      const failure = new Error("overloaded");
      const late = new Error("still down");
      const models = [
        fake("a", [step.fail(late)]),
        fake("b", [step.fail(failure)]),
      ];
      const error = await errorOf(
        fallbackStream(models, "hi", { health: without("a") }),
      ) as Failed;
      assertSame(
        [error.name, error.errors, error.message],
        [
          "AllModelsFailedError",
          [failure, late],
          "All models failed:\na: still down\nb: overloaded",
        ],
        "the error",
      );
      assertSame(
        outcomes(error.attempts),
        ["a skipped", "b failed", "a failed"],
        "its records",
      );
      assertSame(calledModels(journal), ["b", "a"], "the models called");
    },
  ),
  rule(
    "R21",
    "a store that throws or is too slow is not waited for again in this call",
    async ({ fallbackStream, fake }) => {
      const slow = () => new Promise<Admission>(() => {});
      const failing = (): never => {
        throw new Error("store");
      };
      for (const first of [slow, failing, () => Promise.reject(new Error())]) {
        const start = Date.now();
        const answers = [first, slow, slow];
        const models = ["a", "b", "c"].map((name) =>
          fake(name, [name === "c" ? "c0" : step.fail(1)])
        );
        const stream = await fallbackStream(models, "hi", {
          health: store(() => answers.shift()!()),
        });
        assertSame(await read(stream), ["c0"], "chunks");
        assertSame(Date.now() - start, first === slow ? 250 : 0, "the wait");
      }
    },
  ),
  rule(
    "R21",
    "prepare receives the models once, is not awaited, and its errors are ignored",
    async ({ fallbackStream, fake }) => {
      const prepared: unknown[] = [];
      const health = {
        ...store(() => yes),
        prepare(models: readonly string[]) {
          prepared.push(models);
          throw new Error("store");
        },
      };
      const models = [fake("a", [step.fail(1)]), fake("b", ["b0"])];
      assertSame(
        await read(await fallbackStream(models, "hi", { health })),
        ["b0"],
        "chunks",
      );
      assertSame(prepared, [["a", "b"]], "the calls of prepare");
    },
  ),
  rule(
    "R21",
    "report() receives success at commitment, and also failure when the answer is interrupted later",
    async ({ fallbackStream, fake }) => {
      const connectionLost = new Error("connection lost");
      const isFinal = (chunk: string) => chunk === "stop";
      const play = async (model: ReturnType<typeof fake>, options: Options) => {
        const start = Date.now();
        const health = store(() => yes);
        const stream = await fallbackStream([model], "hi", {
          ...options,
          health,
        });
        const error = await errorOf(read(stream)) as Error;
        assertSame(
          health.log.map((
            [at, ...received],
          ) => [at as number - start, ...received]),
          [
            [0, "a", "admit"],
            [50, "a", "success"],
            [90, "a", "failure", error],
          ],
          "the calls of the store",
        );
        return error;
      };
      const script = [
        step.wait(10),
        "meta",
        step.wait(40),
        "a0",
        step.wait(40),
      ];
      assertSame(
        await play(
          fake("a", [...script, step.fail(connectionLost)], { isContent }),
          {},
        ),
        connectionLost,
        "the error",
      );
      const truncated = fake("a", [...script, step.truncate()], {
        isContent,
        isFinal,
      });
      assertSame(
        (await play(truncated, {})).name,
        "TruncatedStreamError",
        "the error of an answer without its end",
      );
      const slow = fake("a", [
        step.wait(10),
        "meta",
        step.wait(40),
        "a0",
        step.hang(),
      ], {
        isContent,
      });
      assertSame(
        (await play(slow, { timeouts: { idleMs: 40 } })).name,
        "ModelTimeoutError",
        "the error of an answer that stalls",
      );
    },
  ),
  rule(
    "R21",
    "report() receives each failure before content with its error, also one that fallbackOn rejects",
    async ({ fallbackStream, fake }) => {
      const refused = new Error("bad request");
      const health = store(() => yes);
      const seen: unknown[] = [];
      const models = [
        fake("a", [step.fail(undefined)]),
        fake("b", ["meta", step.fail(1)], { isContent }),
        fake("c", []),
        fake("d", [step.hang()]),
        fake("e", [step.fail(refused)]),
      ];
      const opening = fallbackStream(models, "hi", {
        health,
        timeouts: { firstContentMs: 30 },
        fallbackOn: (error: unknown) => {
          seen.push(error);
          return error !== refused;
        },
      });
      assertSame(await errorOf(opening), refused, "the error");
      assertSame(
        health.log.filter(([, , what]) => what !== "admit"),
        [..."abcde"].map((model, i) => [
          i < 3 ? 0 : 30,
          model,
          "failure",
          seen[i],
        ]),
        "the calls of the store",
      );
      assertSame(seen.length, 5, "failures");
    },
  ),
  rule(
    "R21",
    "report() is not called again when a committed answer is read, closed or aborted",
    async ({ fallbackStream, fake, signal }) => {
      const health = store(() => yes);
      const open = (options: Options = {}) =>
        fallbackStream([fake("a", ["a0", step.wait(5), "a1"])], "hi", {
          health,
          ...options,
        });
      await read(await open());
      await read(await open(), 1);
      await (await open()).return();
      await errorOf((await open()).throw(new Error("mine")));
      {
        await using _ = await open();
      }
      await errorOf(read(await open({ signal: signal(2, new Error("stop")) })));
      await errorOf(read(await open({ timeouts: { totalMs: 2 } })));
      await read(
        await fallbackStream([fake("a", [])], "hi", {
          health,
          allowEmpty: true,
        }),
      );
      assertSame(
        health.log.map(([, , ...what]) => what.join()),
        Array.from({ length: 8 }, () => ["admit", "success"]).flat(),
        "the calls of the store",
      );
    },
  ),
  rule(
    "R21",
    "report() receives released without an error for a cancelled attempt",
    async ({ fallbackStream, fake, signal }) => {
      const stop = new Error("stop");
      const refused = new Error("bad request");
      const models = [
        fake("a", ["meta", step.hang()], { isContent }),
        fake("b", [step.wait(50), step.fail(refused)]),
      ];
      const ends: [Options, reports: unknown[][]][] = [
        [{ signal: signal(20, stop) }, [["a", "released"]]],
        [{ timeouts: { totalMs: 20 } }, [["a", "released"]]],
        [{ hedge: { afterMs: 10 }, fallbackOn: () => false }, [
          ["b", "failure", refused],
          ["a", "released"],
        ]],
      ];
      for (const [options, reports] of ends) {
        const health = store(() => yes);
        await errorOf(fallbackStream(models, "hi", { ...options, health }));
        assertSame(
          health.log.filter(([, , what]) => what !== "admit")
            .map(([, ...received]) => received),
          reports,
          "the calls of the store",
        );
      }
    },
  ),
  rule(
    "R21",
    "report() receives released for a loser; a skipped model frees its place at once, without using the budget",
    async ({ fallbackStream, fake, journal }) => {
      const taken: number[] = [];
      const budget = { earn: () => {}, take: () => taken.push(Date.now()) > 0 };
      const health = without("a", "c");
      const stream = await fallbackStream(
        [
          fake("a", ["a0"]),
          fake("b", [step.hang()]),
          fake("c", ["c0"]),
          fake("d", [step.wait(20), "d0"]),
        ],
        "hi",
        { health, hedge: { afterMs: 100, budget } },
      );
      assertSame(await read(stream), ["d0"], "chunks");
      assertSame(calledModels(journal), ["b", "d"], "the models called");
      assertSame(
        stream.attempts.map(({ model, outcome, startedAt }) =>
          `${model} ${outcome} ${startedAt}`
        ),
        ["a skipped 0", "b lost 0", "c skipped 100", "d completed 100"],
        "the records",
      );
      assertSame(taken, [100], "when the budget was called");
      assertSame(
        health.log.filter(([, , what]) => what !== "admit").sort(),
        [[120, "b", "released"], [120, "d", "success"]],
        "the calls of the store",
      );
    },
  ),
  rule(
    "R21",
    "an abort and totalMs end a pending admit()",
    async ({ fallbackStream, fake, signal, journal }) => {
      const stop = new Error("stop");
      const models = [fake("a", [step.fail(1)]), fake("b", ["b0"])];
      for (const silent of ["a", "b"]) {
        const start = Date.now();
        const health = store((model) => model === silent ? never() : yes);
        assertSame(
          await errorOf(
            fallbackStream(models, "hi", {
              health,
              signal: signal(100, stop),
            }),
          ),
          stop,
          "the error",
        );
        assertSame(Date.now() - start, 100, "the time it took");
        const error = await errorOf(
          fallbackStream(models, "hi", { health, timeouts: { totalMs: 100 } }),
        ) as Error & { model: string; phase: string };
        assertSame(
          [error.name, error.phase, error.model, Date.now() - start],
          ["ModelTimeoutError", "total", "a", 200],
          "the error of totalMs",
        );
        await pass(1000);
      }
      const health = store(() => yes);
      const aborted = AbortSignal.abort(stop);
      await errorOf(fallbackStream(models, "hi", { health, signal: aborted }));
      assertSame(
        health.log,
        [],
        "the calls when the signal is already aborted",
      );
      assertSame(calledModels(journal), ["a", "a"], "the models called");
    },
  ),
  rule(
    "R21",
    "fallbackStream() opens no model after an abort in any microtask after admit() settles",
    async ({ fallbackStream, fake, journal }) => {
      const stop = new Error("stop");
      for (const answer of [() => yes, () => Promise.resolve(yes)]) {
        for (let turns = 0; turns < 40; turns++) {
          const controller = new AbortController();
          const health = store(answer);
          const opening = fallbackStream(
            [fake("a", [step.fail(1)]), fake("b", [step.hang()])],
            "hi",
            { health, signal: journal.watch(controller.signal) },
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
          const received = health.log.filter(([, , what]) => what === "admit");
          assertSame(
            health.log.length,
            2 * received.length,
            "whether each question has one report",
          );
        }
      }
    },
  ),
  rule(
    "R21",
    "a commitment and a rejected failure end a pending admit() of a hedge",
    async ({ fallbackStream, fake, journal }) => {
      const refused = new Error("bad request");
      const scripts = [[step.wait(150), "a0", step.wait(5), "a1"], [
        step.wait(150),
        step.fail(refused),
      ]];
      const models = [fake("a", { scripts }), fake("b", ["b0"])];
      const health = store((model) => model === "a" ? yes : never());
      const options = {
        health,
        hedge: { afterMs: 100 },
        fallbackOn: () => false,
      };
      const stream = await fallbackStream(models, "hi", options);
      assertSame(await read(stream), ["a0", "a1"], "chunks");
      assertSame(Date.now(), 155, "the time of the end");
      assertSame(outcomes(stream.attempts), ["a completed"], "outcomes");
      assertSame(
        await errorOf(fallbackStream(models, "hi", options)),
        refused,
        "the error",
      );
      assertSame(Date.now(), 305, "the time of the failure");
      await pass(1000);
      assertSame(health.log, [
        [0, "a", "admit"],
        [100, "b", "admit"],
        [150, "a", "success"],
        [155, "a", "admit"],
        [255, "b", "admit"],
        [305, "a", "failure", refused],
      ], "the calls of the store");
      assertSame(calledModels(journal), ["a", "a"], "the models called");
    },
  ),
  rule(
    "R21",
    "fallbackStream() releases a probe that admit() grants after the call has ended",
    async ({ fallbackStream, fake, signal, journal }) => {
      const answers: [() => Promise<Admission>, gives: boolean][] = [
        [() => pass(200).then(() => yes), true],
        [() => pass(600).then(() => yes), true],
        [() => pass(200).then(() => no), false],
        [() => pass(200).then(() => Promise.reject("late")), false],
        [() => pass(200).then(() => undefined as never), false],
      ];
      for (const [answer, gives] of answers) {
        const start = Date.now();
        const health = store((model) => model === "a" ? yes : answer());
        const models = [
          fake("a", [step.wait(50), step.fail(1), step.hang()]),
          fake("b", ["b0"]),
        ];
        await errorOf(
          fallbackStream(models, "hi", { health, signal: signal(100, "stop") }),
        );
        assertSame(Date.now() - start, 100, "the time it took");
        await pass(1000);
        assertSame(
          health.log.slice(3).map(([, ...received]) => received),
          gives ? [["b", "released"]] : [],
          "the calls of the store afterwards",
        );
      }
      const start = Date.now();
      const health = store((model) =>
        model === "a" ? yes : pass(150).then(() => yes)
      );
      const stream = await fallbackStream(
        [fake("a", [step.wait(120), "a0"]), fake("b", ["b0"])],
        "hi",
        { health, hedge: { afterMs: 100 } },
      );
      await read(stream);
      assertSame(Date.now() - start, 120, "the time, which waits for no probe");
      await pass(1000);
      assertSame(
        health.log.slice(2),
        [[start + 120, "a", "success"], [start + 250, "b", "released"]],
        "the calls of the store beside a commitment",
      );
      assertSame(
        calledModels(journal).includes("b"),
        false,
        "whether it was opened",
      );
    },
  ),
  rule(
    "R21",
    "report() is not awaited and its errors are ignored",
    async ({ fallbackStream, fake }) => {
      const wrong = new Error("wrong");
      const connectionLost = new Error("connection lost");
      const reports = [never, () => Promise.reject(wrong), () => {
        throw wrong;
      }];
      for (const report of reports) {
        const health = store(() => yes, report);
        const stream = await fallbackStream(
          [
            fake("a", [step.fail(1)]),
            fake("b", [step.hang()]),
            fake("c", [step.wait(5), "c0", step.fail(connectionLost)]),
          ],
          "hi",
          { health, hedge: { afterMs: 10 } },
        );
        assertSame(await errorOf(read(stream)), connectionLost, "the error");
        assertSame(outcomes(stream.attempts), [
          "a failed",
          "b lost",
          "c interrupted",
        ], "outcomes");
        assertSame(health.log.length, 7, "the calls of the store");
      }
      assertSame(Date.now(), 45, "the time it took");
    },
  ),
  rule(
    "R21",
    "an abort within report() does not change how the call ends",
    async ({ fallbackStream, fake, journal }) => {
      const connectionLost = new Error("connection lost");
      const controller = new AbortController();
      const received: string[] = [];
      const stream = await fallbackStream(
        [fake("a", ["a0", step.fail(connectionLost)], {
          stackScript: [step.wait(30)],
        })],
        "hi",
        {
          signal: journal.watch(controller.signal),
          onEvent: ({ type }: FallbackEvent) => void received.push(type),
          health: {
            admit: () => yes,
            report: (_, outcome) => {
              if (outcome === "failure") controller.abort();
            },
          },
        },
      );
      assertSame(await errorOf(read(stream)), connectionLost, "the error");
      assertSame(Date.now(), 30, "when it came, after the close");
      assertSame(
        received,
        ["started", "opened", "committed", "interrupted", "closed"],
        "the events",
      );
    },
  ),
  rule(
    "R21",
    "admit() and report() are called as methods of the store",
    async ({ fallbackStream, fake }) => {
      class Store {
        readonly #log: string[] = [];
        admit(model: string): Admission {
          this.#log.push(`${model} admit`);
          return model === "a" ? no : yes;
        }
        report(model: string, outcome: string) {
          this.#log.push(`${model} ${outcome}`);
        }
        get log() {
          return this.#log;
        }
      }
      const health = new Store();
      const models = [fake("a", ["a0"]), fake("b", ["b0"])];
      await read(await fallbackStream(models, "hi", { health }));
      assertSame(
        health.log,
        ["a admit", "b admit", "b success"],
        "the calls of the store",
      );
    },
  ),
  rule(
    "R21",
    "a nested chain calls its own store with its own model names, the outer chain with the chain's name",
    async ({ fallbackStream, fallbackModel, fake, journal }) => {
      const inside = without("a");
      const outside = store(() => yes);
      const inner = fallbackModel(
        [
          fake("a", ["a0"]),
          fake("b", ["meta", step.wait(40), "b0", step.fail(1)]),
        ],
        { health: inside },
      );
      const stream = await fallbackStream([inner, fake("c", ["c0"])], "hi", {
        health: outside,
        isContent,
        timeouts: { firstContentMs: 30 },
      });
      assertSame(await read(stream), ["c0"], "chunks");
      assertSame(
        outcomes(stream.attempts),
        ["fallback:a,b failed", "c completed"],
        "the outer records",
      );
      assertSame(
        outcomes(stream.attempts[0]!.nested!),
        ["a skipped", "b cancelled"],
        "the inner records",
      );
      assertSame(inside.log, [
        [0, "a", "admit"],
        [0, "b", "admit"],
        [0, "b", "success"],
      ], "the calls of the inner store");
      assertSame(outside.log, [
        [0, "fallback:a,b", "admit"],
        [30, "fallback:a,b", "failure", stream.attempts[0]!.error],
        [30, "c", "admit"],
        [30, "c", "success"],
      ], "the calls of the outer store");
      const shut = without(inner.name);
      const other = await fallbackStream([inner, fake("d", ["d0"])], "hi", {
        health: shut,
      });
      assertSame(
        await read(other),
        ["d0"],
        "chunks where the chain is skipped",
      );
      assertSame(inside.log.length, 3, "the calls of the inner store then");
      assertSame(calledModels(journal), ["b", "c", "d"], "the models called");
    },
  ),
  rule(
    "R21",
    "a nested chain tries its models when all are skipped, and releases them when it is abandoned",
    async ({ fallbackStream, fallbackModel, fake, journal }) => {
      const inside = without("a");
      const inner = fallbackModel([fake("a", [step.hang()])], {
        health: inside,
      });
      const stream = await fallbackStream([inner, fake("b", ["b0"])], "hi", {
        timeouts: { firstContentMs: 30 },
      });
      assertSame(await read(stream), ["b0"], "chunks");
      assertSame(
        outcomes(stream.attempts[0]!.nested!),
        ["a skipped", "a cancelled"],
        "the inner records",
      );
      assertSame(
        inside.log,
        [[0, "a", "admit"], [30, "a", "released"]],
        "the calls of the inner store",
      );
      const silent = store(() => pass(200).then(() => yes));
      const waits = fallbackModel([fake("c", ["c0"])], { health: silent });
      const start = Date.now();
      await read(
        await fallbackStream([waits, fake("d", ["d0"])], "hi", {
          timeouts: { openMs: 50 },
        }),
      );
      assertSame(
        Date.now() - start,
        50,
        "the time of an answer beside a silent store",
      );
      await pass(1000);
      assertSame(silent.log, [
        [start, "c", "admit"],
        [start + 200, "c", "released"],
      ], "the calls of the silent store");
      assertSame(calledModels(journal), ["a", "b", "d"], "the models called");
    },
  ),
  rule(
    "R21",
    "calls that share a store share only its state",
    async ({ fallbackStream, fake, signal }) => {
      const down = new Set<string>();
      const health: HealthStore = {
        admit: (model) => down.has(model) ? no : yes,
        report: (model, outcome) => {
          if (outcome === "failure") down.add(model);
          if (outcome === "success") down.delete(model);
        },
      };
      const models = [
        fake("a", [step.wait(20), step.fail(new Error("busy"))]),
        fake("b", [step.wait(50), "b0", step.wait(50), "b1"]),
      ];
      const stop = new Error("stop");
      const open = async (at: number, options: Options = {}) => {
        await pass(at);
        return await fallbackStream(models, "hi", { health, ...options });
      };
      const [first, second, third] = await Promise.all([
        open(0),
        open(30),
        open(25, { signal: signal(90, stop) }),
      ]);
      assertSame(
        outcomes(first!.attempts),
        ["a failed", "b streaming"],
        "the first",
      );
      for (const other of [second!, third!]) {
        assertSame(
          outcomes(other.attempts),
          ["a skipped", "b streaming"],
          "another",
        );
      }
      const [one, two, error] = await Promise.all([
        read(first!),
        read(second!),
        errorOf(read(third!)),
      ]);
      assertSame([one, two], [["b0", "b1"], ["b0", "b1"]], "chunks");
      assertSame(error, stop, "the error of the one that was aborted");
      down.add("b");
      const [forced, recovered] = await Promise.all([
        open(0),
        open(60),
      ]);
      assertSame(
        outcomes(forced!.attempts),
        ["a skipped", "b skipped", "a failed", "b streaming"],
        "the outcomes of the call that tried all models",
      );
      assertSame(
        outcomes(recovered!.attempts).slice(0, 2),
        ["a skipped", "b skipped"],
        "the outcomes of the second call",
      );
      await Promise.all([read(forced!), read(recovered!)]);
    },
  ),
  rule(
    "R21",
    "a refused retry calls admit() again at once when the refusal has no valid retryAt",
    async ({ fallbackStream, fake }) => {
      for (const retryAt of [undefined, NaN, "soon", -5]) {
        const start = Date.now();
        let calls = 0;
        const health = store(() => {
          const admit = ++calls !== 2;
          return { admit, retryAt } as Admission;
        });
        const model = fake("a", { scripts: [[step.fail(1)], ["a0"]] });
        const stream = await fallbackStream([model], "hi", {
          health,
          retry: { minDelayMs: 10, ...steady },
        });
        assertSame(await read(stream), ["a0"], "chunks");
        assertSame(Date.now() - start, 10, "the time, that of the backoff");
        const { error } = stream.attempts[1]!;
        assertSame(
          Object(error).retryAt,
          retryAt === -5 ? -5 : start + 10,
          `when to check again for ${retryAt}`,
        );
      }
    },
  ),
  rule(
    "R21",
    "skipped models are tried in list order, also where the first was skipped last",
    async ({ fallbackStream, fake, journal }) => {
      let admitted = 0;
      const health = store((model) =>
        model === "a" && admitted++ === 0 ? yes : no
      );
      const models = [
        fake("a", { scripts: [[step.wait(20), step.fail(1)], ["a1"]] }),
        fake("b", ["b0"]),
      ];
      const stream = await fallbackStream(models, "hi", {
        health,
        hedge: { afterMs: 10 },
        retry: { minDelayMs: 5, maxDelayMs: 10, ...steady },
      });
      assertSame(
        outcomes(stream.attempts),
        ["a failed", "b skipped", "a skipped", "a streaming"],
        "the records",
      );
      await read(stream);
      assertSame(calledModels(journal), ["a", "a"], "the models called");
    },
  ),
];
