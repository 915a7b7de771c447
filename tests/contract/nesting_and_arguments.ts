// Nesting, callbacks, and wrong arguments.

import type { Attempt } from "../../src/types/attempt.ts";
import type { FallbackEvent } from "../../src/types/events.ts";
import type { ModelContext, StreamSource } from "../../src/types/model.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
  errorOf,
  eventLog,
  type Options,
  read,
  rule,
  type RuleCase,
} from "./_context.ts";

const names = (attempts: readonly Attempt[] | undefined) =>
  attempts?.map(({ model, outcome }) => `${model} ${outcome}`);

/** The promises about nested chains, callbacks and arguments. */
export const nesting: RuleCase[] = [
  rule(
    "nesting",
    "a chain is a model of another chain",
    async ({ fallbackStream, fallbackModel, fake }) => {
      const inner = fallbackModel([
        fake("a", [step.fail(1)]),
        fake("b", ["b0", "b1"]),
      ]);
      assertSame(inner.name, "fallback:a,b", "its name");
      const stream = await fallbackStream([
        fake("first", [step.fail(2)]),
        inner,
        fake("c", ["c0"]),
      ], "hi");
      assertSame(stream.model, "b", "the innermost model");
      assertSame(await read(stream), ["b0", "b1"], "chunks");
      assertSame(
        names(stream.attempts),
        ["first failed", "fallback:a,b completed"],
        "the outer records",
      );
      assertSame(
        names(stream.attempts[1]!.nested),
        ["a failed", "b completed"],
        "the inner records",
      );
    },
  ),
  rule(
    "nesting",
    "an inner chain that fails is a failure like any other",
    async ({ fallbackStream, fallbackModel, fake }) => {
      const inner = fallbackModel([
        fake("a", [step.fail(1)]),
        fake("b", [step.hang()]),
      ], {
        timeouts: { totalMs: 50 },
      });
      const deep = fallbackModel([fallbackModel([fake("c", [step.fail(3)])])]);
      const error = await errorOf(fallbackStream([inner, deep], "hi")) as
        & AggregateError
        & { attempts: Attempt[] };
      assertSame(error.errors.map(({ name }) => name), [
        "ModelTimeoutError",
        "AllModelsFailedError",
      ], "the errors");
      assertSame(
        names(error.attempts[0]!.nested),
        ["a failed", "b cancelled"],
        "the inner records",
      );
      assertSame(
        names(error.attempts[1]!.nested?.[0]?.nested),
        ["c failed"],
        "the innermost records",
      );
    },
  ),
  rule(
    "nesting",
    "the outer chain waits until the inner one is closed",
    async ({ fallbackStream, fallbackModel, fake, journal }) => {
      const slow = fake("slow", ["meta", step.hang()], {
        isContent: (chunk) => chunk !== "meta",
        closeScript: [step.wait(30)],
        stackScript: [step.wait(40)],
      });
      const models = [fallbackModel([slow]), fake("b", ["b0"])];
      const stream = await fallbackStream(models, "hi", {
        timeouts: { firstContentMs: 100 },
      });
      assertSame(Date.now(), 170, "the time of the answer");
      const order = eventLog(journal);
      assertSame(
        order.indexOf("slow closed stack") < order.indexOf("b call"),
        true,
        "whether the next was opened after the close",
      );
      assertSame(
        names(stream.attempts[0]!.nested),
        ["slow cancelled"],
        "the inner records",
      );
      await read(stream);
    },
  ),
  rule(
    "nesting",
    "the outer signal and a close reach the innermost model",
    async ({ fallbackStream, fallbackModel, fake, signal, journal }) => {
      const stop = new Error("stop");
      const model = fallbackModel([
        fallbackModel([fake("a", ["a0", step.hang()])]),
      ]);
      const aborted = await fallbackStream([model], "hi", {
        signal: signal(10, stop),
      });
      assertSame(await errorOf(read(aborted)), stop, "the error");
      const left = await fallbackStream([model], "hi");
      await read(left, 1);
      assertSame(
        await errorOf(
          fallbackStream([fallbackModel([fake("b", [step.hang()])])], "hi", {
            signal: signal(10, stop),
          }),
        ),
        stop,
        "the error while opening",
      );
      assertSame(
        journal.calls.map((call) => call.signal.aborted),
        [true, true, true],
        "whether the innermost signals aborted",
      );
      assertSame([
        journal.calls[0]!.signal.reason,
        journal.calls[2]!.signal.reason,
      ], [
        stop,
        stop,
      ], "their reasons");
    },
  ),
  rule(
    "nesting",
    "a close error of the inner chain is thrown once",
    async ({ fallbackStream, fallbackModel, fake }) => {
      const wrong = new Error("wrong");
      const model = fallbackModel([
        fake("a", ["a0", "a1"], { stackScript: [step.fail(wrong)] }),
      ]);
      const stream = await fallbackStream([model], "hi");
      await stream.next();
      assertSame(await errorOf(stream.return()), wrong, "return()");
      assertSame(
        [
          stream.attempts[0]!.closeError,
          stream.attempts[0]!.nested![0]!.closeError,
        ],
        [wrong, wrong],
        "the records",
      );
      await stream[Symbol.asyncDispose]();
    },
  ),
  rule(
    "callbacks",
    "callbacks are called as methods of their object",
    async ({ fallbackStream, fake }) => {
      const inner = fake("inner", ["meta", "a1", "stop"]);
      class Model {
        readonly name = "private";
        #stop = "stop";
        stream(request: unknown, context: ModelContext) {
          return inner.stream(this.#stop && request, context);
        }
        isContent(chunk: string) {
          return this.#stop !== "" && chunk !== "meta";
        }
        isFinal(chunk: string) {
          return chunk === this.#stop;
        }
      }
      class Settings {
        #received: string[] = [];
        fallbackOn() {
          return this.#received.length > 0;
        }
        onEvent({ type }: FallbackEvent) {
          this.#received.push(type);
        }
        isContent(chunk: string) {
          return this.#received.length > 0 && chunk !== "meta";
        }
        isFinal(chunk: string) {
          return this.#received.length > 0 && chunk === "stop";
        }
        get eventCount() {
          return this.#received.length;
        }
      }
      const own = await fallbackStream([new Model()], "hi");
      assertSame(await read(own), ["meta", "a1", "stop"], "chunks");
      const settings = new Settings();
      const stream = await fallbackStream(
        [fake("a", [step.fail(1)]), inner],
        "hi",
        settings,
      );
      assertSame(
        await read(stream),
        ["meta", "a1", "stop"],
        "chunks with options of a class",
      );
      assertSame(settings.eventCount, 8, "the number of events");
    },
  ),
  rule(
    "arguments",
    "invalid arguments reject with their name and value, before the signal is read and anything is opened",
    async ({ fallbackStream, fallbackModel, fake, journal }) => {
      const models = [fake("a", ["a0"])];
      const aborted = AbortSignal.abort(new Error("aborted"));
      type Wrong = [
        kind: string,
        says: string,
        models: unknown,
        options?: unknown,
      ];
      const durations = [
        "openMs",
        "firstContentMs",
        "idleMs",
        "totalMs",
        "closeMs",
      ]
        .flatMap((phase) =>
          [-1, NaN, Infinity, 2 ** 31].map((
            ms,
          ): Wrong => ["RangeError", `timeouts.${phase}'|${ms}`, models, {
            timeouts: { [phase]: ms },
          }])
        );
      const cases: Wrong[] = [
        ["RangeError", "models", []],
        ["TypeError", "models|a0", "a0"],
        ["TypeError", "models", undefined],
        ["TypeError", "models[1]|42", [models[0], 42]],
        ["TypeError", "models[0]", [{ name: "nameless" }]],
        ...["isContent", "isFinal", "usage"].map((name): Wrong => [
          "TypeError",
          `models[0].${name}' must be a function|true`,
          [{ ...models[0], [name]: true }],
        ]),
        ["TypeError", "allowEmpty' must be a boolean|no", models, {
          allowEmpty: "no",
        }],
        ["TypeError", "models[0]", [{ stream: () => {} }]],
        ["TypeError", "options|null", models, null],
        ["RangeError", "fallbackOn", models, { fallbackOn: [] }],
        ["TypeError", "fallbackOn|429", models, { fallbackOn: 429 }],
        ["TypeError", "fallbackOn|429", models, { fallbackOn: [Error, 429] }],
        ["TypeError", "fallbackOn|null", models, { fallbackOn: null }],
        ["TypeError", "isContent|yes", models, { isContent: "yes" }],
        ["TypeError", "isFinal|1", models, { isFinal: 1 }],
        ["TypeError", "onEvent|{}", models, { onEvent: {} }],
        ["TypeError", "timeouts|5", models, { timeouts: 5 }],
        ["TypeError", "options.timeout'|timeouts", models, { timeout: {} }],
        ["TypeError", "timeouts.contentMs'|firstContentMs", models, {
          timeouts: { contentMs: undefined },
        }],
        ["TypeError", "retry.attempts'|maxAttempts", models, {
          retry: { attempts: 2 },
        }],
        ["TypeError", "hedge.after'|afterMs", models, { hedge: { after: 1 } }],
        ["TypeError", "fallbackOn|function NoError", models, {
          fallbackOn: class NoError {},
        }],
        ["TypeError", "isRetriable|function NoError", models, {
          retry: { isRetriable: [class NoError {}] },
        }],
        ["TypeError", "fallbackOn|hasStatus(429)", models, { fallbackOn: 429 }],
        ["TypeError", "timeouts.idleMs|5s", models, {
          timeouts: { idleMs: "5s" },
        }],
        ...durations,
        ["TypeError", "retry|twice", models, { retry: "twice" }],
        ["RangeError", "retry.maxAttempts|0", models, {
          retry: { maxAttempts: 0 },
        }],
        ["RangeError", "retry.maxAttempts|1.5", models, {
          retry: { maxAttempts: 1.5 },
        }],
        ["RangeError", "retry.minDelayMs|-1", models, {
          retry: { minDelayMs: -1 },
        }],
        ["RangeError", "retry.maxDelayMs|Infinity", models, {
          retry: { maxDelayMs: Infinity },
        }],
        ["RangeError", "retry.minDelayMs|maxDelayMs|20", models, {
          retry: { minDelayMs: 20, maxDelayMs: 10 },
        }],
        ["RangeError", "retry.multiplier|0.5", models, {
          retry: { multiplier: 0.5 },
        }],
        ["RangeError", "retry.multiplier|Infinity", models, {
          retry: { multiplier: Infinity },
        }],
        ["RangeError", "retry.jitter|1.5", models, { retry: { jitter: 1.5 } }],
        ["TypeError", "retry.isRetriable|yes", models, {
          retry: { isRetriable: "yes" },
        }],
        ["TypeError", "retry.maxAttempts|2", models, {
          retry: { maxAttempts: "2" },
        }],
        ["TypeError", "retry.multiplier|2", models, {
          retry: { multiplier: "2" },
        }],
        ["TypeError", "hedge|100", models, { hedge: 100 }],
        ["TypeError", "hedge.afterMs|undefined", models, { hedge: {} }],
        ["RangeError", "hedge.afterMs|-1", models, { hedge: { afterMs: -1 } }],
        ["RangeError", "hedge.maxInFlight|0", models, {
          hedge: { afterMs: 1, maxInFlight: 0 },
        }],
        ["TypeError", "hedge.budget|0.05", models, {
          hedge: { afterMs: 1, budget: 0.05 },
        }],
        ["TypeError", "options.health|42", models, { health: 42 }],
        ["TypeError", "options.health|null", models, { health: null }],
        ["TypeError", "options.health|{}", models, { health: {} }],
        ["TypeError", "options.health|{}", models, {
          health: { admit: () => {} },
        }],
        ["TypeError", "options.health|{}", models, {
          health: { report: () => {} },
        }],
      ];
      for (const [kind, says, wrong, options] of cases) {
        const list = wrong as (() => StreamSource<string>)[];
        const given = options as Options;
        const withSignal = given === undefined
          ? { signal: aborted }
          : given && { signal: aborted, ...given };
        const rejected = await errorOf(
          fallbackStream<unknown, string>(list, "hi", withSignal),
        ) as Error;
        const thrown = await errorOf(
          () => fallbackModel<unknown, string>(list, given),
        ) as Error;
        for (const error of [rejected, thrown]) {
          assertSame(error.name, kind, `the error for ${says}`);
          for (const part of says.split("|")) {
            assertSame([error.message, error.message.includes(part)], [
              error.message,
              true,
            ], `whether it says ${part}`);
          }
        }
      }
      assertSame(calledModels(journal), [], "the models called");
    },
  ),
  rule(
    "nesting",
    "a call of fallbackStream() within a model is an inner chain too",
    async ({ fallbackStream, fake }) => {
      const byHand = (request: unknown, { signal }: ModelContext) =>
        fallbackStream(
          [fake("a", [step.fail(1)]), fake("b", ["b0"])],
          request,
          {
            signal,
          },
        );
      const stream = await fallbackStream([byHand], "hi");
      assertSame([stream.model, names(stream.attempts[0]!.nested)], ["b", [
        "a failed",
        "b streaming",
      ]], "the innermost model and the inner records");
      await read(stream);
    },
  ),
  rule(
    "arguments",
    "invalid arguments that cannot be printed reject with their name",
    async ({ fallbackStream, fake }) => {
      const unprintable = [
        Object.create(null, {
          toJSON: {
            value: () => {
              throw new Error();
            },
          },
        }),
        Symbol("s"),
        1n,
      ];
      for (const value of unprintable) {
        for (
          const options of [{ onEvent: value }, { timeouts: { idleMs: value } }]
        ) {
          const error = await errorOf(
            fallbackStream([fake("a", ["a0"])], "hi", options as Options),
          ) as Error;
          assertSame([error.name, error.message.includes("options.")], [
            "TypeError",
            true,
          ], "the error");
        }
      }
      const controller = new AbortController();
      const wrongSignal = await errorOf(
        fallbackStream([fake("a", ["a0"])], "hi", {
          signal: controller as unknown as AbortSignal,
        }),
      ) as Error;
      assertSame(
        wrongSignal.message.includes("an AbortController"),
        true,
        "whether it says that an AbortController is no signal",
      );
      const signal = null as unknown as AbortSignal;
      const none = await errorOf(
        fallbackStream([fake("a", ["a0"])], "hi", { signal }),
      ) as Error;
      assertSame(
        [none.name, none.message.includes("options.signal")],
        ["TypeError", true],
        "the error for a signal of null",
      );
    },
  ),
];
