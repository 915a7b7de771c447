// Retrying: R18.

import type { FallbackEvent } from "../../src/types/events.ts";
import * as step from "../../src/testing/step.ts";
import {
  type AnyEvent,
  assertSame,
  calledModels,
  errorOf,
  isContent,
  pass,
  read,
  rule,
  type RuleCase,
} from "./_context.ts";

const status = (status: number, more: object = {}) =>
  Object.assign(new Error(`status ${status}`), { status, ...more });
const steady = { jitter: 0 };

/** The cases of R18. */
export const retry: RuleCase[] = [
  rule(
    "R18",
    "retry calls the same model again with growing delays, then the next model",
    async ({ fallbackStream, fake, journal }) => {
      const model = fake("a", {
        scripts: [[step.fail(status(503))], ["meta", step.fail(status(429))], [
          step.open(),
          step.fail(new Error("reset")),
        ], ["a0"]],
      }, { isContent, stackScript: [step.wait(7)] });
      const stream = await fallbackStream([model, fake("b", ["b0"])], "hi", {
        retry: steady,
      });
      assertSame(
        calledModels(journal),
        ["a", "a", "a", "b"],
        "the models called",
      );
      assertSame(Date.now(), 7 + 500 + 7 + 1000 + 7, "the time of the answer");
      assertSame(
        stream.attempts.map(({ model, modelIndex, number, outcome }) =>
          `${model} ${modelIndex} ${number} ${outcome}`
        ),
        ["a 0 1 failed", "a 0 2 failed", "a 0 3 failed", "b 1 4 streaming"],
        "the records",
      );
      assertSame(await read(stream), ["b0"], "chunks");
      const again = await fallbackStream([model], "hi", {
        retry: { ...steady, maxAttempts: 1 },
      });
      assertSame(
        await read(again),
        ["a0"],
        "chunks of a model that has recovered",
      );
    },
  ),
  rule(
    "R18",
    "retry delays grow by the multiplier up to maxDelayMs, minus the jitter",
    async ({ fallbackStream, fake, journal }) => {
      const { random } = Math;
      Math.random = () => 0.5;
      try {
        const retry = {
          maxAttempts: 5,
          minDelayMs: 100,
          maxDelayMs: 800,
          multiplier: 3,
          jitter: 0.5,
        };
        await errorOf(
          fallbackStream([fake("a", [step.fail(status(500))])], "hi", {
            retry,
          }),
        );
        const times = journal.entries.filter(({ type }) => type === "call").map(
          ({ at }) => at,
        );
        assertSame(
          times,
          [0, 75, 75 + 225, 75 + 225 + 600, 75 + 225 + 600 + 600],
          "the times of the calls",
        );
        const start = Date.now();
        await errorOf(
          fallbackStream([fake("b", [step.fail(status(500))])], "hi", {
            retry: { maxAttempts: 2 },
          }),
        );
        assertSame(
          Date.now() - start,
          250,
          "the default delay with its jitter",
        );
      } finally {
        Math.random = random;
      }
    },
  ),
  rule(
    "R18",
    "retry calls fallbackOn first, then isRetriable, which is isTransient by default",
    async ({ fallbackStream, fake, journal }) => {
      const received: unknown[] = [];
      const wrong = status(400);
      const busy = status(503);
      const models = [
        fake("a", { scripts: [[step.fail(busy)], [step.fail(wrong)]] }),
      ];
      const options = {
        retry: steady,
        fallbackOn: (error: unknown) => received.push(error) > 0,
      };
      await errorOf(fallbackStream(models, "hi", options));
      assertSame(received, [busy, wrong], "the calls of fallbackOn");
      const once = [status(401), status(404), { response: { status: 422 } }, {
        statusCode: 409,
      }];
      const again = [
        status(408),
        status(429),
        status(500),
        status(529),
        new TypeError("fetch failed"),
        undefined,
        { response: { status: 502 } },
      ];
      for (const [failures, times] of [[once, 1], [again, 2]] as const) {
        for (const failure of failures) {
          const before = calledModels(journal).length;
          await errorOf(
            fallbackStream([fake("b", [step.fail(failure)])], "hi", {
              retry: { ...steady, maxAttempts: 2 },
            }),
          );
          assertSame(
            calledModels(journal).length - before,
            times,
            `calls after ${JSON.stringify(failure)}`,
          );
        }
      }
      const ours = [
        fake("c", [step.hang()]),
        fake("d", []),
        fake("e", ["e0", step.truncate()], {
          isContent: () => false,
          isFinal: () => false,
        }),
      ];
      const before = calledModels(journal).length;
      await errorOf(
        fallbackStream(ours, "hi", {
          retry: steady,
          timeouts: { firstContentMs: 5 },
        }),
      );
      assertSame(
        calledModels(journal).slice(before),
        ["c", "d", "e"],
        "the models called after errors of our own",
      );
      const refused = await errorOf(
        fallbackStream([fake("f", [step.fail(busy)])], "hi", {
          retry: steady,
          fallbackOn: () => false,
        }),
      );
      assertSame(refused, busy, "the error that fallbackOn refuses");
      const choosy = {
        ...steady,
        isRetriable: (error: unknown) => error === wrong,
      };
      const start = calledModels(journal).length;
      await errorOf(
        fallbackStream(
          [fake("g", { scripts: [[step.fail(wrong)], [step.fail(busy)]] })],
          "hi",
          { retry: choosy },
        ),
      );
      assertSame(
        calledModels(journal).slice(start),
        ["g", "g"],
        "the calls that isRetriable allows",
      );
    },
  ),
  rule(
    "R18",
    "retry waits as long as the provider delays, and tries the next model where that exceeds maxDelayMs",
    async ({ fallbackStream, fake, journal }) => {
      const date = () => new Date(Date.now() + 3000).toUTCString();
      const delays: [ms: number | undefined, () => object][] = [
        [2500, () => ({ retryAfterMs: 2500 })],
        [1500, () => ({ headers: { "retry-after-ms": "1500" } })],
        [2000, () => ({ headers: new Headers({ "Retry-After": "2" }) })],
        [
          3000,
          () => ({
            response: { headers: new Headers({ "retry-after": date() }) },
          }),
        ],
        [0, () => ({ retryAfterMs: 0 })],
        [500, () => ({ headers: { "retry-after": "soon" } })],
        [500, () => ({ headers: 42 })],
        [undefined, () => ({ retryAfterMs: 10_001 })],
        [undefined, () => ({ headers: { "retry-after": "3600" } })],
      ];
      for (const [ms, more] of delays) {
        const start = Date.now();
        const failure = status(429, more());
        const model = fake("a", { scripts: [[step.fail(failure)], ["a0"]] });
        const stream = await fallbackStream([model, fake("b", ["b0"])], "hi", {
          retry: steady,
        });
        assertSame(
          [stream.model, Date.now() - start],
          ms === undefined ? ["b", 0] : ["a", ms],
          `the answer after ${JSON.stringify(failure)}`,
        );
        await read(stream);
        // The next starts on a full second, for a date has no milliseconds.
        await pass(1000 - Date.now() % 1000);
      }
      assertSame(journal.calls.length, 18, "calls");
    },
  ),
  rule(
    "R18",
    "an abort and totalMs end the delay of a retry",
    async ({ fallbackStream, fake, signal, journal }) => {
      const stop = new Error("stop");
      const models = [fake("a", [step.fail(status(500))]), fake("b", ["b0"])];
      assertSame(
        await errorOf(
          fallbackStream(models, "hi", {
            retry: steady,
            signal: signal(100, stop),
          }),
        ),
        stop,
        "the error",
      );
      assertSame(Date.now(), 100, "the time it took");
      const error = await errorOf(
        fallbackStream(models, "hi", {
          retry: steady,
          timeouts: { totalMs: 100 },
        }),
      ) as Error & { phase: string };
      assertSame([error.name, error.phase, Date.now()], [
        "ModelTimeoutError",
        "total",
        200,
      ], "the error of totalMs");
      await pass(5000);
      assertSame(calledModels(journal), ["a", "a"], "the models called");
    },
  ),
  rule(
    "R18",
    "fallbackStream() never retries after commitment",
    async ({ fallbackStream, fake, journal }) => {
      const failure = status(503);
      const stream = await fallbackStream(
        [fake("a", ["a0", step.fail(failure)])],
        "hi",
        { retry: steady },
      );
      assertSame(await errorOf(read(stream)), failure, "the error");
      await pass(5000);
      assertSame(calledModels(journal), ["a"], "the models called");
    },
  ),
  rule(
    "R18",
    "retry treats a nested chain as one model",
    async ({ fallbackStream, fallbackModel, fake, journal }) => {
      const inner = fallbackModel([
        fake("a", { scripts: [[step.fail(status(500))], ["a0"]] }),
        fake("b", { scripts: [[step.fail(status(500))], ["b0"]] }),
      ]);
      // An AllModelsFailedError is one of our own: not by default.
      const retry = { ...steady, isRetriable: () => true };
      const stream = await fallbackStream([inner], "hi", { retry });
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(calledModels(journal), ["a", "b", "a"], "the models called");
    },
  ),
  rule(
    "R18",
    "onEvent receives every retry with its error and its delay",
    async ({ fallbackStream, fake }) => {
      const received: unknown[] = [];
      const failure = status(500);
      const onEvent = (event: FallbackEvent) => {
        const { type, at, attempt, error, delayMs }: AnyEvent = event;
        received.push(`${at} ${type} ${attempt?.number}`);
        if (type === "retrying") received.push(error, delayMs);
      };
      await read(
        await fallbackStream(
          [fake("a", { scripts: [[step.fail(failure)], ["a0"]] })],
          "hi",
          { retry: steady, onEvent },
        ),
      );
      assertSame(received, [
        "0 started 1",
        "0 failed 1",
        "0 closed 1",
        "0 retrying 1",
        failure,
        500,
        "500 started 2",
        "500 opened 2",
        "500 committed 2",
        "500 completed 2",
        "500 closed 2",
      ], "the events");
    },
  ),
  rule(
    "R18",
    "retry leaves no timer of a delay that was ended, and calls isRetriable as a method",
    async ({ fallbackStream, fake, signal }) => {
      class Settings {
        readonly jitter = 0;
        readonly maxAttempts = 2;
        #count = 0;
        isRetriable() {
          return ++this.#count > 0;
        }
        get count() {
          return this.#count;
        }
      }
      const retry = new Settings();
      const stop = new Error("stop");
      const opening = fallbackStream(
        [fake("a", [step.fail(status(400))])],
        "hi",
        {
          retry,
          signal: signal(10, stop),
        },
      );
      assertSame(await errorOf(opening), stop, "the error");
      assertSame(retry.count, 1, "how often isRetriable was called");
    },
  ),
  rule(
    "R18",
    "fallbackStream() rejects with a SuppressedError of both errors when isRetriable throws",
    async ({ fallbackStream, fake, signal }) => {
      const wrong = new Error("wrong");
      const busy = status(503);
      const isRetriable = () => {
        throw wrong;
      };
      const { name, error, suppressed } = await errorOf(
        fallbackStream(
          [fake("a", [step.fail(busy)]), fake("b", ["b0"])],
          "hi",
          {
            retry: { isRetriable },
            signal: signal(),
          },
        ),
      ) as SuppressedError;
      assertSame(
        [name, error, suppressed],
        ["SuppressedError", wrong, busy],
        "the error",
      );
    },
  ),
  rule(
    "R18",
    "a multiplier of 1 waits equally long each time",
    async ({ fallbackStream, fake }) => {
      const scripts = [[step.fail(1)], [step.fail(2)], [step.fail(3)], ["a0"]];
      const stream = await fallbackStream([fake("a", { scripts })], "hi", {
        retry: {
          maxAttempts: 4,
          minDelayMs: 10,
          multiplier: 1,
          jitter: 0,
          isRetriable: () => true,
        },
      });
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(Date.now(), 30, "the time");
    },
  ),
];
