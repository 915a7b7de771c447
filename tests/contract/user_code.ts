// Code of users that throws, ends the call, or hands out what cannot be read:
// predicates, listeners, stores, models, records and errors.

import { attemptsOf } from "../../src/attempts_of.ts";
import { formatAttempts } from "../../src/format_attempts.ts";
import type { FallbackEvent } from "../../src/types/events.ts";
import type { HealthStore } from "../../src/types/health.ts";
import type { ModelLike } from "../../src/types/model.ts";
import { mapModel } from "../../src/map_model.ts";
import type { FakeModelOptions } from "../../src/testing/fake_model.ts";
import type { Step } from "../../src/testing/script.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
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

/** Errors that cannot be read, each in its own way. */
function unreadable(): Record<string, unknown> {
  const { proxy, revoke } = Proxy.revocable(new Error("revoked"), {});
  revoke();
  const cyclic = new SuppressedError(1, 2, "cyclic");
  Object.defineProperty(cyclic, "suppressed", { value: cyclic });
  const throwing = new Error("throwing");
  for (const key of ["name", "message", "cause", "status", "headers"]) {
    Object.defineProperty(throwing, key, {
      get() {
        throw new Error(`no ${key}`);
      },
    });
  }
  return { "a revoked proxy": proxy, "a cycle": cyclic, getters: throwing };
}

/** The types of the events of each attempt, and what the store received. */
function recorder() {
  const events: string[] = [];
  const reports: string[] = [];
  const health: HealthStore = {
    admit: () => ({ admit: true }),
    report: (model, outcome) => reports.push(`${model} ${outcome}`),
  };
  const onEvent = ({ type, attempt }: FallbackEvent) =>
    events.push(`${attempt?.model ?? "call"} ${type}`);
  return { events, reports, health, onEvent };
}

/** The promises about user code. */
export const userCode: RuleCase[] = [
  rule(
    "R7",
    "an isFinal that ends the stream and throws ends it once",
    async ({ fallbackStream, fake, kind, journal }) => {
      for (const way of ["abort", "return"]) {
        const controller = new AbortController();
        const { events, reports, health, onEvent } = recorder();
        let close = () => {};
        const before = journal.entries.length;
        const stream = await fallbackStream(
          [fake("a", ["a0", "a1"], { closeScript: [step.wait(20)] })],
          "hi",
          {
            signal: journal.watch(controller.signal),
            health,
            onEvent,
            isFinal(chunk) {
              if (chunk !== "a1") return false;
              close();
              throw new Error("from isFinal");
            },
          },
        );
        close = () =>
          way === "abort" ? controller.abort(stop) : void stream.return();
        await stream.next();
        const start = Date.now();
        const result = await stream.next().catch((error: unknown) => error);
        assertSame(
          way === "abort" ? result : Object(result).done,
          way === "abort" ? stop : true,
          "the result",
        );
        assertSame(Date.now() - start, 20, "the time when next() settles");
        assertSame(events.slice(3), ["a cancelled", "a closed"], "the events");
        assertSame(reports, ["a success"], "the reports");
        const closes = journal.entries.slice(before)
          .filter(({ type }) => type === "close");
        assertSame(
          closes.map(({ value }) => value),
          [stopOf(kind)],
          "the closes",
        );
      }
    },
  ),
  rule(
    "R11",
    "a close error that cannot be read is recorded, and everything is closed",
    async ({ fallbackStream, fake }) => {
      for (const [name, error] of Object.entries(unreadable())) {
        const failure = new Error("overloaded");
        const models = [
          fake("a", [step.open(), step.fail(failure)], {
            disposeScript: [step.fail(error)],
            stackScript: [],
          }),
          fake("b", ["b0", "b1"], {
            closeScript: [step.fail(error)],
            stackScript: [step.fail(error)],
          }),
        ];
        const stream = await fallbackStream(models, "hi", {
          fallbackOn: (given) => given === failure,
        });
        await stream.next();
        const thrown = await errorOf(stream.return());
        assertSame(thrown !== undefined, true, `the close error: ${name}`);
        assertSame(
          "closeError" in stream.attempts[0]!,
          true,
          `the record: ${name}`,
        );
        assertSame(
          (await stream.next()).done,
          true,
          `whether the stream has ended: ${name}`,
        );
      }
    },
  ),
  rule(
    "R4",
    "a failure that cannot be read falls back, with retries and every condition",
    async ({ fallbackStream, fake }) => {
      for (const [name, error] of Object.entries(unreadable())) {
        const conditions: Options[] = [
          {},
          { retry: { maxAttempts: 2, minDelayMs: 1 } },
          { fallbackOn: [TypeError, () => true] },
          { fallbackOn: Error, allowEmpty: false },
        ];
        for (const options of conditions) {
          const models = [fake("a", [step.fail(error)]), fake("b", ["b0"])];
          const opening = fallbackStream(models, "hi", options);
          if (options.fallbackOn === Error) {
            const given = await opening.then(() => undefined, (given) => ({
              given,
            }));
            if (given) assertSame(given.given === error, true, name);
            else await (await opening).return();
            continue;
          }
          const stream = await opening;
          assertSame(await read(stream), ["b0"], `chunks: ${name}`);
          assertSame(typeof formatAttempts(stream.attempts), "string", name);
        }
        const all = await errorOf(
          fallbackStream([fake("a", [step.fail(error)])], "hi"),
        );
        assertSame(attemptsOf(all).length, 1, `attemptsOf: ${name}`);
      }
    },
  ),
  rule(
    "R16",
    "records that a listener freezes change nothing",
    async ({ fallbackStream, fake, journal }) => {
      const types = ["started", "opened", "committed", "failed", "closed"];
      for (const type of types) {
        for (const isDeep of [true, false]) {
          const models = [
            fake("a", [step.wait(1), step.fail(new Error("overloaded"))]),
            fake("b", [step.wait(1), "b0", "b1"], { closeScript: [] }),
            fake("c", ["c0"]),
          ];
          const stream = await fallbackStream(models, "hi", {
            timeouts: { totalMs: 1000 },
            onEvent(event) {
              if (event.type !== type) return;
              if (isDeep) Object.freeze(event.attempts);
              event.attempts.forEach((attempt) => Object.freeze(attempt));
            },
          });
          assertSame(await read(stream), ["b0", "b1"], `chunks: ${type}`);
          assertSame(stream.model, "b", "the model");
          assertSame(
            stream.attempts.length,
            2,
            `the number of records: ${type}`,
          );
        }
      }
      const all = await errorOf(
        fallbackStream(
          [fake("d", [step.fail("x")]), fake("e", [step.fail("y")])],
          "hi",
          { onEvent: ({ attempts }) => attempts.forEach(Object.freeze) },
        ),
      ) as AggregateError;
      assertSame(
        [all.errors, all.message],
        [["x", "y"], "All models failed:\nd: x\ne: y"],
        "the error",
      );
      assertSame(
        calledModels(journal).includes("c"),
        false,
        "whether c was called",
      );
    },
  ),
  rule(
    "R16",
    "every listener of a list receives every event in order, whatever the others do",
    async ({ fallbackStream, fake, signal }) => {
      const log: string[][] = [[], []];
      const controller = new AbortController();
      const listen = (list: string[]) => ({ type }: FallbackEvent) => {
        list.push(type);
        if (type === "failed") controller.abort(stop);
        throw new Error("from a listener");
      };
      const error = await errorOf(
        fallbackStream([fake("a", [step.fail(1)]), fake("b", ["b0"])], "hi", {
          signal: AbortSignal.any([controller.signal, signal()]),
          onEvent: log.map(listen),
        }),
      );
      assertSame(error, stop, "the error");
      const expected = ["started", "failed", "cancelled", "closed"];
      assertSame(log, [expected, expected], "the events");
    },
  ),
  rule(
    "R8",
    "no user code runs after an abort, in whichever callback it comes",
    async ({ fallbackStream, fake, journal }) => {
      for (
        const place of [
          "admit",
          "isRetriable",
          "fallbackOn",
          "take",
          "usage",
          "isFinal",
          "isContent",
          "report",
        ]
      ) {
        const controller = new AbortController();
        const after: string[] = [];
        let isAborted = false;
        const at = (here: string) => {
          if (isAborted && here !== "report") after.push(here);
          if (here !== place || isAborted) return true;
          isAborted = true;
          controller.abort(stop);
          return true;
        };
        const model = (name: string, script: (string | Step)[]) => ({
          ...fake(name, script),
          usage: () => void at("usage"),
        });
        const error = await errorOf(
          fallbackStream(
            [
              model("a", [step.wait(30), "a0", step.fail(1)]),
              model("b", [step.wait(30), step.fail(2)]),
            ],
            "hi",
            {
              signal: journal.watch(controller.signal),
              isContent: () => (at("isContent"), false),
              isFinal: () => (at("isFinal"), false),
              fallbackOn: () => at("fallbackOn"),
              retry: { isRetriable: () => at("isRetriable"), minDelayMs: 1 },
              hedge: {
                afterMs: 10,
                budget: { earn: () => {}, take: () => at("take") },
              },
              health: {
                admit: () => (at("admit"), { admit: true }),
                report: () => at("report"),
              },
            },
          ),
        );
        assertSame(error, stop, `the error: ${place}`);
        assertSame(after, [], `what ran after an abort in ${place}`);
      }
    },
  ),
  rule(
    "R13",
    "a hedged call ends only after the committed model is closed, with one end event",
    async ({ fallbackStream, fake, journal }) => {
      for (let turns = 0; turns < 12; turns++) {
        const controller = new AbortController();
        const { events, onEvent } = recorder();
        const models = [
          fake("a", [step.wait(20), "a0", step.hang()], {
            closeScript: [step.wait(30)],
          }),
          fake("b", [step.hang()], { ignoresAbort: true }),
        ];
        const opening = fallbackStream(models, "hi", {
          signal: journal.watch(controller.signal),
          hedge: { afterMs: 10 },
          async onEvent(event) {
            onEvent(event);
            if (event.type !== "committed") return;
            for (let i = 0; i < turns; i++) await undefined;
            controller.abort(stop);
          },
        });
        const error = await opening.then(
          (stream) => errorOf(read(stream)),
          (error: unknown) => error,
        );
        assertSame(error, stop, `the error after ${turns} turns`);
        assertSame(
          eventLog(journal).at(-1)!.startsWith("a closed") ||
            eventLog(journal).at(-1)!.startsWith("b"),
          true,
          "whether it is closed",
        );
        assertSame(
          events.filter((event) => event === "a cancelled").length,
          1,
          `the end events after ${turns} turns`,
        );
        await pass(2000);
      }
    },
  ),
  rule(
    "nesting",
    "a call that is aborted while an inner model opens waits until that is closed",
    async ({ fallbackStream, fallbackModel, fake, journal }) => {
      for (const nestings of [0, 1, 2]) {
        const controller = new AbortController();
        const inner = fake("a", ["a0"], {
          closeScript: [step.wait(10)],
          stackScript: [step.wait(20)],
        });
        let model = {
          ...inner,
          stream(
            request: unknown,
            context: Parameters<typeof inner.stream>[1],
          ) {
            const source = inner.stream(request, context);
            controller.abort(stop);
            return source;
          },
        } as typeof inner;
        for (let i = 0; i < nestings; i++) {
          model = fallbackModel([model]) as typeof inner;
        }
        const error = await errorOf(
          fallbackStream([model], "hi", {
            signal: journal.watch(controller.signal),
          }),
        );
        assertSame(error, stop, "the error");
        assertSame(
          eventLog(journal).at(-1),
          "a closed stack",
          `what happened last with ${nestings} nestings`,
        );
        await pass(100);
      }
    },
  ),
  rule(
    "R10",
    "a source that was returned synchronously is closed before the call ends",
    async ({ fallbackStream, journal }) => {
      const log: string[] = [];
      const controller = new AbortController();
      const model = () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<IteratorResult<string>>(() => {}),
          async return() {
            log.push("closing");
            await pass(10);
            log.push("closed");
            return { done: true as const, value: undefined };
          },
        }),
      });
      const opening = fallbackStream([model], "hi", {
        signal: journal.watch(controller.signal),
      });
      controller.abort(stop);
      assertSame(await errorOf(opening), stop, "the error");
      assertSame(log, ["closing", "closed"], "what happened before");
    },
  ),
  rule(
    "R4",
    "a result of next() that is not an object is a TypeError failure",
    async ({ fallbackStream, fake }) => {
      for (const result of [5, true, "x", undefined, null]) {
        const odd = () => ({
          [Symbol.asyncIterator]: () => ({
            next: () => Promise.resolve(result as never),
          }),
        });
        const stream = await fallbackStream([odd, fake("b", ["b0"])], "hi");
        assertSame(await read(stream), ["b0"], "chunks");
        assertSame(
          Object(stream.attempts[0]!.error).name,
          "TypeError",
          `the failure for ${result}`,
        );
      }
    },
  ),
  rule(
    "arguments",
    "a function that has to answer at once and returns a promise is a TypeError, and the rejection is handled",
    async ({ fallbackStream, fake }) => {
      const promise = (() => Promise.reject(stop)) as () => never;
      const model = (options?: FakeModelOptions<string>) =>
        fake("a", [step.wait(10), "a0"], options);
      type Case = [
        models: ModelLike<unknown, string>[],
        options?: Options,
      ];
      const cases: Record<string, Case> = {
        "options.isContent": [[model()], { isContent: promise }],
        "options.isFinal": [[model()], { isFinal: promise }],
        "isContent": [[model({ isContent: promise })]],
        "isFinal": [[model({ isFinal: promise })]],
        "chunk": [[
          mapModel(model(), { request: (it) => it, chunk: promise }),
        ]],
        "options.timeouts.firstContentMs": [
          [model()],
          { timeouts: { firstContentMs: promise } },
        ],
        "options.retry.isRetriable": [
          [fake("a", [step.fail(1)])],
          { retry: { isRetriable: promise } },
        ],
        "options.hedge.budget.take": [[model(), model()], {
          hedge: { afterMs: 1, budget: { earn: () => {}, take: promise } },
        }],
      };
      for (const [name, [models, options]] of Object.entries(cases)) {
        const error = await errorOf(fallbackStream(models, "hi", options));
        const found = error as {
          error?: unknown;
          attempts?: { error: unknown }[];
        };
        const cause = found.attempts?.[0]?.error ?? found.error ?? error;
        assertSame(
          String(cause).startsWith(`TypeError: '${name}' must`),
          true,
          `${name}: ${cause}`,
        );
      }
      const stream = await fallbackStream([
        { ...model(), usage: promise },
      ], "hi");
      assertSame(await read(stream), ["a0"], "usage is ignored");
    },
  ),
  rule(
    "R16",
    "after an abort in user code, nothing is emitted but the end and the close, and nothing reported twice",
    async ({ fallbackStream, fake, journal }) => {
      const opened = ["a started", "a opened"];
      const committed = [...opened, "a committed"];
      const ended = ["a cancelled", "a closed"];
      const released = ["a released"];
      const slow = () => [
        fake("a", [step.open(), step.wait(30), "a0"]),
        fake("b", [step.wait(5), "b0"]),
      ];
      const hedge = { afterMs: 10 };
      type Abort = () => void;
      type Case = {
        options?: Options;
        models?: Parameters<typeof fallbackStream<unknown, string>>[0];
        abortsOn?: string;
        events: string[];
        reports: string[];
      };
      const cases: Record<string, (abort: Abort) => Case> = {
        "[Symbol.asyncIterator]()": (abort) => ({
          models: [{
            name: "a",
            stream: () => ({
              [Symbol.asyncIterator]() {
                abort();
                return [].values() as unknown as AsyncIterator<string>;
              },
            }),
          }],
          events: ["a started", ...ended],
          reports: released,
        }),
        "isContent() that is true": (abort) => ({
          options: { isContent: () => (abort(), true) },
          events: [...opened, ...ended],
          reports: released,
        }),
        "a listener of 'committed'": () => ({
          abortsOn: "a committed",
          events: [...committed, ...ended],
          reports: released,
        }),
        "report() of a success": () => ({
          abortsOn: "a success",
          events: [...committed, ...ended],
          reports: ["a success"],
        }),
        "admit()": (abort) => ({
          options: {
            health: {
              admit: () => (abort(), { admit: true }),
              report: () => {},
            },
          },
          events: ["call cancelled"],
          reports: released,
        }),
        "take() of a budget": (abort) => ({
          models: slow(),
          options: {
            hedge: {
              ...hedge,
              budget: { earn: () => {}, take: () => (abort(), true) },
            },
          },
          events: [...opened, ...ended],
          reports: released,
        }),
        "a listener of 'lost'": () => ({
          models: slow(),
          options: { hedge },
          abortsOn: "a lost",
          events: [
            ...[...opened, "a hedging", "b started", "b opened"],
            ...["b committed", "a lost", "b cancelled"],
          ],
          reports: ["b released", "a released"],
        }),
      };
      for (const [place, caseFor] of Object.entries(cases)) {
        const controller = new AbortController();
        const abort = () => controller.abort(stop);
        const { models, options, abortsOn, ...expected } = caseFor(abort);
        const { events, reports, health, onEvent } = recorder();
        const error = await errorOf(
          fallbackStream(models ?? [fake("a", ["a0"])], "hi", {
            ...options,
            signal: journal.watch(controller.signal),
            onEvent(event) {
              onEvent(event);
              if (events.at(-1) === abortsOn) abort();
            },
            health: {
              admit: options?.health?.admit ?? health.admit,
              report(model, outcome) {
                health.report(model, outcome);
                if (reports.at(-1) === abortsOn) abort();
              },
            },
          }),
        );
        assertSame(error, stop, `the error of an abort in ${place}`);
        // Which model is closed first does not matter here.
        const count = expected.events.length;
        assertSame(events.slice(0, count), expected.events, `events: ${place}`);
        assertSame(
          events.slice(count).every((event) => event.endsWith(" closed")),
          true,
          `whether nothing but closes follows: ${place}`,
        );
        assertSame(reports, expected.reports, `reports: ${place}`);
      }
    },
  ),
  rule(
    "arguments",
    "a model whose getter throws during the call ends it with that error, after everything is closed",
    async ({ fallbackStream, fake }) => {
      const thrown = new Error("cannot be read");
      const unreadable = () => ({
        ...fake("b", ["b0"]),
        get modelId(): string {
          throw thrown;
        },
      });
      const hangs = () =>
        fake("a", [step.open(), step.hang()], { closeScript: [step.wait(20)] });
      const hedge = { afterMs: 10 };
      const cases: [models: ModelLike<unknown, string>[], Options, number][] = [
        [[unreadable()], {}, 0],
        [[unreadable()], { hedge }, 0],
        [[hangs(), unreadable()], { hedge }, 30],
      ];
      for (const [models, options, ms] of cases) {
        const start = Date.now();
        const opening = fallbackStream(models, "hi", options);
        assertSame(await errorOf(opening), thrown, "the error");
        assertSame(Date.now() - start, ms, "the time of the error");
      }
    },
  ),
  rule(
    "arguments",
    "options.health is read once",
    async ({ fallbackStream, fake }) => {
      let reads = 0;
      const models = [fake("a", [step.fail(1)]), fake("b", ["b0"])];
      const stream = await fallbackStream(models, "hi", {
        get health() {
          reads++;
          return { admit: () => ({ admit: true as const }), report: () => {} };
        },
      });
      assertSame(await read(stream), ["b0"], "chunks");
      assertSame(reads, 1, "the number of reads");
    },
  ),
  rule(
    "R8",
    "prepare() and the budget are not called after an abort",
    async ({ fallbackStream, fake, journal }) => {
      const callbacks = ["prepare", "earn", "admit"];
      for (const [index, place] of ["before", ...callbacks].entries()) {
        const controller = new AbortController();
        const called: string[] = [];
        const at = (here: string) => {
          called.push(here);
          if (here === place) controller.abort(stop);
        };
        if (place === "before") controller.abort(stop);
        const opening = fallbackStream([fake("a", ["a0"])], "hi", {
          signal: journal.watch(controller.signal),
          hedge: {
            afterMs: 10,
            budget: { earn: () => at("earn"), take: () => true },
          },
          health: {
            prepare: () => at("prepare"),
            admit: () => (at("admit"), { admit: true }),
            report: () => {},
          },
        });
        assertSame(await errorOf(opening), stop, `the error: ${place}`);
        assertSame(called, callbacks.slice(0, index), `the calls: ${place}`);
      }
      assertSame(calledModels(journal), [], "the models called");
    },
  ),
];
