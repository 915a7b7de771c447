// Hedging: R19.

import type { Attempt } from "../../src/types/attempt.ts";
import type { FallbackEvent } from "../../src/types/events.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
  errorOf,
  eventLog,
  isContent,
  pass,
  read,
  rule,
  type RuleCase,
  stopOf,
} from "./_context.ts";

const hedge = { afterMs: 100 };
const outcomes = (attempts: readonly Attempt[]) =>
  attempts.map(({ model, outcome }) => `${model} ${outcome}`);
const starts = (attempts: readonly Attempt[]) =>
  attempts.map(({ model, startedAt }) => `${model} ${startedAt}`);

/** The cases of R19. */
export const hedging: RuleCase[] = [
  rule(
    "R19",
    "hedge opens no other model when the first is fast enough",
    async ({ fallbackStream, fake, journal }) => {
      const stream = await fallbackStream(
        [
          fake("a", [step.wait(99), "a0", step.wait(500), "a1"]),
          fake("b", ["b0"]),
        ],
        "hi",
        { hedge },
      );
      assertSame(await read(stream), ["a0", "a1"], "chunks");
      assertSame(calledModels(journal), ["a"], "the models called");
    },
  ),
  rule(
    "R19",
    "hedge opens the next model beside a slow one; the first content wins, and the loser is aborted and closed",
    async ({ fallbackStream, fake, kind, journal }) => {
      const loser = fake("a", ["meta", step.wait(5000), "a1"], {
        isContent,
        closeScript: [step.wait(20)],
        stackScript: [step.wait(30)],
      });
      const stream = await fallbackStream(
        [loser, fake("b", [step.wait(50), "b0", step.wait(10), "b1"])],
        "hi",
        { hedge },
      );
      assertSame(Date.now(), 150, "the time of the answer");
      assertSame(
        outcomes(stream.attempts),
        ["a lost", "b streaming"],
        "outcomes",
      );
      assertSame(await read(stream), ["b0", "b1"], "chunks");
      assertSame(
        Date.now(),
        200,
        "the time of the end, which waits for the loser's close",
      );
      const stop = stopOf(kind);
      assertSame(eventLog(journal).filter((line) => line.startsWith("a ")), [
        "a call",
        "a open",
        "a abort",
        `a close ${stop}`,
        "a fail",
        `a closed ${stop}`,
        "a close stack",
        "a closed stack",
      ], "what happened to the loser");
      const { signal } = journal.calls[0]!;
      assertSame([signal.reason.name, "error" in stream.attempts[0]!], [
        "AbortError",
        false,
      ], "why it lost");
    },
  ),
  rule(
    "R19",
    "hedge lets the first model win although the second was opened",
    async ({ fallbackStream, fake, journal }) => {
      const stream = await fallbackStream(
        [
          fake("a", [step.wait(150), "a0"]),
          fake("b", [step.wait(60), "b0"]),
          fake("c", ["c0"]),
        ],
        "hi",
        { hedge },
      );
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(
        outcomes(stream.attempts),
        ["a completed", "b lost"],
        "outcomes",
      );
      assertSame(calledModels(journal), ["a", "b"], "the models called");
    },
  ),
  rule(
    "R19",
    "hedge does not wait for a loser that hangs and closes one that opens late",
    async ({ fallbackStream, fake, journal }) => {
      const models = [
        fake("hangs", ["meta", step.hang()], {
          isContent,
          ignoresAbort: true,
          closeScript: [step.hang()],
        }),
        fake("late", [step.wait(400), "late"], { ignoresAbort: true }),
        fake("c", [step.wait(20), "c0", step.wait(10), "c1"]),
      ];
      const stream = await fallbackStream(models, "hi", {
        hedge: { afterMs: 100, maxInFlight: 3 },
        timeouts: { closeMs: 50 },
      });
      assertSame(Date.now(), 220, "the time of the answer");
      assertSame(
        [(await stream.next()).value, (await stream.next()).value, Date.now()],
        ["c0", "c1", 230],
        "the answer",
      );
      assertSame((await stream.next()).done, true, "the end");
      assertSame(Date.now(), 270, "the time of the end");
      await pass(1000);
      assertSame(
        journal.calls[1]!.closes.length,
        1,
        "closes of the one that opened late",
      );
    },
  ),
  rule(
    "R19",
    "hedge runs at most maxInFlight models; an exhausted one is replaced at once, without using the budget",
    async ({ fallbackStream, fake }) => {
      const taken: number[] = [];
      const budget = { earn: () => {}, take: () => taken.push(Date.now()) < 3 };
      const models = [
        fake("a", [step.wait(250), step.fail(1)]),
        fake("b", [step.wait(120), step.fail(2)]),
        fake("c", [step.hang()]),
        fake("d", [step.wait(20), "d0"]),
      ];
      const stream = await fallbackStream(models, "hi", {
        hedge: { afterMs: 100, budget },
      });
      assertSame(
        starts(stream.attempts),
        ["a 0", "b 100", "c 220", "d 250"],
        "the starts",
      );
      assertSame(taken, [100], "when the budget was called");
      await read(stream);
    },
  ),
  rule(
    "R19",
    "hedge opens no model when the budget is empty, and the budget earns once per call",
    async ({ fallbackStream, fake, journal }) => {
      let earned = 0;
      const budget = { earn: () => void earned++, take: () => false };
      const stream = await fallbackStream(
        [fake("a", [step.wait(1000), "a0"]), fake("b", ["b0"])],
        "hi",
        { hedge: { afterMs: 100, budget } },
      );
      assertSame(await read(stream), ["a0"], "chunks");
      const failing = await fallbackStream(
        [fake("c", [step.wait(500), step.fail(1)]), fake("d", ["d0"])],
        "hi",
        { hedge: { afterMs: 100, budget } },
      );
      assertSame(await read(failing), ["d0"], "chunks after a failure");
      assertSame(
        [calledModels(journal), earned],
        [["a", "c", "d"], 2],
        "the models calledModels, and what was earned",
      );
    },
  ),
  rule(
    "R19",
    "AllModelsFailedError of a hedged call has the errors in the order of the attempts",
    async ({ fallbackStream, fake }) => {
      const errors = [new Error("slow"), new Error("quick")];
      const error = await errorOf(
        fallbackStream(
          [
            fake("a", [step.wait(300), step.fail(errors[0])]),
            fake("b", [step.wait(10), step.fail(errors[1])]),
          ],
          "hi",
          { hedge },
        ),
      ) as AggregateError;
      assertSame(
        [error.name, error.errors],
        ["AllModelsFailedError", errors],
        "the error",
      );
      assertSame(Date.now(), 300, "the time it took");
    },
  ),
  rule(
    "R19",
    "a failure that fallbackOn rejects ends a hedged call; the other attempts are cancelled and closed",
    async ({ fallbackStream, fake, journal }) => {
      const refused = new Error("bad request");
      const models = [
        fake("a", ["meta", step.hang()], {
          isContent,
          stackScript: [step.wait(40)],
        }),
        fake("b", [step.wait(10), step.fail(refused)]),
        fake("c", ["c0"]),
      ];
      let records: readonly Attempt[] = [];
      const onEvent = ({ attempts }: FallbackEvent) =>
        void (records = attempts);
      assertSame(
        await errorOf(fallbackStream(models, "hi", {
          hedge,
          fallbackOn: () => false,
          onEvent,
        })),
        refused,
        "the error",
      );
      assertSame(Date.now(), 150, "the time it took, with the close");
      assertSame(outcomes(records), ["a cancelled", "b failed"], "outcomes");
      assertSame(
        journal.calls[0]!.signal.reason,
        refused,
        "the reason that the other saw",
      );
    },
  ),
  rule(
    "R19",
    "a failure that fallbackOn rejects ends the backoff of another model, which is not called again",
    async ({ fallbackStream, fake, journal }) => {
      const refused = new TypeError("bad request");
      const models = [
        fake("a", [step.fail(new Error("busy"))]),
        fake("b", [step.wait(10), step.fail(refused)]),
      ];
      const fallbackOn = (error: unknown) => error !== refused;
      const opening = fallbackStream(models, "hi", {
        hedge,
        retry: { jitter: 0 },
        fallbackOn,
      });
      assertSame(await errorOf(opening), refused, "the error");
      assertSame(Date.now(), 110, "the time it took");
      await pass(5000);
      assertSame(calledModels(journal), ["a", "b"], "the models called");
    },
  ),
  rule(
    "R19",
    "an abort and totalMs cancel all hedged attempts",
    async ({ fallbackStream, fake, signal, journal }) => {
      const stop = new Error("stop");
      const models = [
        fake("a", [step.hang()]),
        fake("b", ["meta", step.hang()], {
          isContent,
          ignoresAbort: true,
          closeScript: [step.wait(5)],
        }),
        fake("c", ["c0"]),
      ];
      assertSame(
        await errorOf(
          fallbackStream(models, "hi", {
            hedge,
            signal: signal(150, stop),
            timeouts: { closeMs: 10 },
          }),
        ),
        stop,
        "the error",
      );
      assertSame(
        Date.now() <= 160,
        true,
        "whether it took no longer than the close may",
      );
      const error = await errorOf(
        fallbackStream(models, "hi", {
          hedge,
          timeouts: { totalMs: 150, closeMs: 10 },
        }),
      ) as Error & { model: string };
      assertSame(
        [error.name, error.model],
        ["ModelTimeoutError", "b"],
        "the error of totalMs",
      );
      assertSame(
        calledModels(journal),
        ["a", "b", "a", "b"],
        "the models called",
      );
      assertSame(journal.calls.slice(0, 2).map((call) => call.signal.reason), [
        stop,
        stop,
      ], "the reasons that they saw");
    },
  ),
  rule(
    "R19",
    "a model with retries counts once toward maxInFlight, also during its backoff",
    async ({ fallbackStream, fake }) => {
      const models = [
        fake("a", { scripts: [[step.fail(new Error("busy"))], [step.hang()]] }),
        fake("b", [step.wait(400), step.fail(new Error("busy"))]),
        fake("c", ["c0"]),
      ];
      const stream = await fallbackStream(models, "hi", {
        hedge,
        retry: { jitter: 0, maxAttempts: 2 },
        timeouts: { firstContentMs: 1000 },
      });
      assertSame(
        starts(stream.attempts),
        ["a 0", "b 100", "a 500", "b 1000", "c 1400"].sort((x, y) =>
          Number(x.split(" ")[1]) - Number(y.split(" ")[1])
        ),
        "the starts",
      );
      assertSame(await read(stream), ["c0"], "chunks");
    },
  ),
  rule(
    "R19",
    "only one model wins when two have content in the same tick",
    async ({ fallbackStream, fake, journal }) => {
      const stream = await fallbackStream(
        [
          fake("a", [step.wait(150), "a0", "a1"]),
          fake("b", [step.wait(50), "b0", "b1"]),
        ],
        "hi",
        { hedge },
      );
      const chunks = await read(stream);
      assertSame(
        new Set(chunks.map((chunk) => chunk[0])).size,
        1,
        "models in the answer",
      );
      assertSame(
        outcomes(stream.attempts).filter((line) => line.includes("lost"))
          .length,
        1,
        "losers",
      );
      assertSame(calledModels(journal), ["a", "b"], "the models called");
    },
  ),
  rule(
    "R19",
    "hedge treats a nested chain as one model, and a nested chain hedges on its own",
    async ({ fallbackStream, fallbackModel, fake, journal }) => {
      const slow = fallbackModel([fake("a", [step.hang()])]);
      const quick = fallbackModel([
        fake("b", [step.hang()]),
        fake("c", ["c0", step.hang()]),
      ], { hedge: { afterMs: 30 } });
      const stream = await fallbackStream([slow, quick], "hi", { hedge });
      assertSame(
        [stream.model, Date.now()],
        ["c", 130],
        "the innermost model, and when",
      );
      await read(stream, 1);
      assertSame(
        journal.calls.map(({ model, signal }) => `${model} ${signal.aborted}`),
        ["a true", "b true", "c true"],
        "what was aborted in the end",
      );
      assertSame(outcomes(stream.attempts), [
        "fallback:a lost",
        "fallback:b,c cancelled",
      ], "outcomes");
    },
  ),
  rule(
    "R19",
    "onEvent receives the hedge and the loser",
    async ({ fallbackStream, fake }) => {
      const received: string[] = [];
      const onEvent = ({ type, at, attempt }: FallbackEvent) =>
        void received.push(`${at} ${type} ${attempt?.model}`);
      await read(
        await fallbackStream(
          [fake("a", [step.hang()]), fake("b", ["b0"])],
          "hi",
          {
            hedge,
            onEvent,
          },
        ),
      );
      assertSame(received, [
        "0 started a",
        "100 hedging a",
        "100 started b",
        "100 opened b",
        "100 committed b",
        "100 lost a",
        "100 closed a",
        "100 completed b",
        "100 closed b",
      ], "the events");
    },
  ),
  rule(
    "R19",
    "hedge leaves no timer behind and calls the budget's functions as methods",
    async ({ fallbackStream, fake }) => {
      class Budget {
        #calls: string[] = [];
        earn() {
          this.#calls.push("earn");
        }
        take() {
          return this.#calls.push("take") > 0;
        }
        get calls() {
          return this.#calls;
        }
      }
      const budget = new Budget();
      const slow = await fallbackStream(
        [fake("a", [step.hang()]), fake("b", ["b0"])],
        "hi",
        { hedge: { afterMs: 10, budget } },
      );
      assertSame(await read(slow), ["b0"], "chunks");
      assertSame(budget.calls, ["earn", "take"], "the calls of the budget");
      const quick = await fallbackStream(
        [fake("c", ["c0"]), fake("d", ["d0"])],
        "hi",
        { hedge: { afterMs: 1000 } },
      );
      assertSame(await read(quick), ["c0"], "chunks of a quick one");
    },
  ),
  rule(
    "R19",
    "an error of the budget ends the call and leaves nothing open",
    async ({ fallbackStream, fake, signal, journal }) => {
      const wrong = new Error("wrong");
      const fails = () => {
        throw wrong;
      };
      const budgets = [{ earn: fails, take: () => true }, {
        earn: () => {},
        take: fails,
      }];
      for (const budget of budgets) {
        const opening = fallbackStream(
          [fake("a", [step.hang()]), fake("b", ["b0"])],
          "hi",
          {
            hedge: { afterMs: 10, budget },
            timeouts: { totalMs: 50 },
            signal: signal(),
          },
        );
        assertSame(await errorOf(opening), wrong, "the error");
      }
      assertSame(calledModels(journal), ["a"], "the models called");
    },
  ),
  rule(
    "R19",
    "hedge opens no model after the end of the call, while an attempt is still closing",
    async ({ fallbackStream, fake, signal, journal }) => {
      const stop = new Error("stop");
      const received: string[] = [];
      const budget = { earn: () => {}, take: () => received.push("take") > 0 };
      const models = [
        fake("a", [step.hang()], { stackScript: [step.wait(50)] }),
        fake("b", [step.hang()]),
      ];
      const opening = fallbackStream(models, "hi", {
        hedge: { afterMs: 100, budget },
        signal: signal(80, stop),
        onEvent: ({ type }: FallbackEvent) => void received.push(type),
      });
      assertSame(await errorOf(opening), stop, "the error");
      assertSame(Date.now(), 130, "the time of the end, after the close");
      assertSame(calledModels(journal), ["a"], "the models called");
      assertSame(received, ["started", "cancelled", "closed"], "the events");
    },
  ),
];
