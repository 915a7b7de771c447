// Mapped models (R22), usage (R23), and times that are functions (R24).

import { mapModel } from "../../src/map_model.ts";
import { usageOf } from "../../src/usage_of.ts";
import type { Usage } from "../../src/types/attempt.ts";
import type { ModelContext } from "../../src/types/model.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
  errorOf,
  eventLog,
  isContent,
  type Options,
  read,
  rule,
  type RuleCase,
  stopOf,
} from "./_context.ts";

/** Splits at "|"; an empty text becomes nothing. */
const mapping = {
  request: (request: unknown) => `mapped ${request}`,
  chunk: (chunk: string): string[] => chunk.split("|").filter(Boolean),
};

/** The cases of R22 to R24. */
export const mappingUsageAndTimes: RuleCase[] = [
  rule(
    "R22",
    "mapModel() converts requests and chunks; one inner chunk may become none, one or several",
    async ({ fallbackStream, fake, journal }) => {
      const model = fake("a", ["", "a0|a1|a2", "", "a3"]);
      const stream = await fallbackStream([mapModel(model, mapping)], "hi");
      const concurrent = await Promise.all([
        stream.next(),
        stream.next(),
        stream.next(),
        stream.next(),
        stream.next(),
      ]);
      assertSame(
        concurrent.map(({ value }) => value),
        ["a0", "a1", "a2", "a3", undefined],
        "chunks",
      );
      assertSame(
        [stream.model, stream.attempts.length, stream.attempts[0]!.chunks],
        ["a", 1, 4],
        "the record",
      );
      assertSame(journal.calls[0]!.request, "mapped hi", "the request");
    },
  ),
  rule(
    "R22",
    "mapModel() delivers all chunks made from one before it pulls again",
    async ({ fallbackStream, fake, journal }) => {
      const model = mapModel(fake("a", ["a0|a1", "a2"]), mapping);
      const stream = await fallbackStream([model], "hi");
      const pulls = () =>
        journal.entries.filter(({ type }) => type === "pull").length;
      await stream.next();
      await stream.next();
      assertSame(pulls(), 1, "the pulls after two chunks");
      assertSame(await read(stream), ["a2"], "the rest");
    },
  ),
  rule(
    "R22",
    "mapModel() calls the model's own predicates with its own chunks, also with those that become nothing",
    async ({ fallbackStream, fake }) => {
      const silent = { ...mapping, chunk: (): string[] => [] };
      const options = {
        isContent: (chunk: string) => chunk !== "meta",
        isFinal: (chunk: string) => chunk === "stop",
      };
      const models = [
        mapModel(fake("a", ["meta", step.fail(1)], options), silent),
        mapModel(fake("b", ["meta", "b0", step.fail(2)], options), silent),
      ];
      const stream = await fallbackStream(models, "hi", {
        isContent: () => false,
        isFinal: () => true,
      });
      assertSame(stream.model, "b", "the model");
      assertSame(
        await errorOf(read(stream)),
        2,
        "the error of the committed model",
      );
      const whole = await fallbackStream(
        [mapModel(fake("c", ["c0", "stop"], options), silent)],
        "hi",
      );
      assertSame(
        await read(whole),
        [],
        "chunks of an answer of which nothing is left",
      );
    },
  ),
  rule(
    "R22",
    "predicates of the options are called with converted chunks where the model has none",
    async ({ fallbackStream, fake }) => {
      const received: string[] = [];
      const models = [
        mapModel(fake("a", ["meta|meta", step.fail(1)]), mapping),
        mapModel(fake("b", ["meta|b0|b1", "stop"]), mapping),
      ];
      const stream = await fallbackStream(models, "hi", {
        isContent: (chunk) => {
          received.push(chunk);
          return chunk !== "meta";
        },
        isFinal: (chunk) => chunk === "stop",
      });
      assertSame(await read(stream), ["meta", "b0", "b1", "stop"], "chunks");
      assertSame(
        received,
        ["meta", "meta", "meta", "b0"],
        "what isContent received",
      );
    },
  ),
  rule(
    "R22",
    "an error of request or chunk of mapModel() fails the attempt; after content it ends the stream",
    async ({ fallbackStream, fake, kind, journal }) => {
      const wrong = new Error("cannot convert");
      const bad = {
        request: (): string => {
          throw wrong;
        },
        chunk: (chunk: string) => chunk,
      };
      const picky = {
        ...mapping,
        chunk: (chunk: string) => {
          if (chunk.startsWith("bad")) throw wrong;
          return chunk;
        },
      };
      const models = [
        mapModel(fake("a", ["a0"]), bad),
        mapModel(fake("b", ["bad"]), picky),
        mapModel(fake("c", ["c0", "bad"]), picky),
      ];
      const stream = await fallbackStream(models, "hi");
      assertSame(
        stream.attempts.map(({ error }) => error),
        [wrong, wrong, undefined],
        "the failures",
      );
      assertSame(
        await stream.next(),
        { done: false, value: "c0" },
        "the first",
      );
      assertSame(await errorOf(stream.next()), wrong, "the error");
      assertSame(calledModels(journal), ["b", "c"], "the models called");
      assertSame(
        eventLog(journal).filter((line) => line.includes("close")),
        ["b", "c"].flatMap((name) => [
          `${name} close ${stopOf(kind)}`,
          `${name} closed ${stopOf(kind)}`,
        ]),
        "the closes",
      );
    },
  ),
  rule(
    "R22",
    "return() and an abort reach the stream of a mapped model at once",
    async ({ fallbackStream, fake, journal }) => {
      for (const way of ["return", "abort"]) {
        const controller = new AbortController();
        const nested = mapModel(
          mapModel(fake("a", ["a0", step.hang()]), mapping),
          mapping,
        );
        const stream = await fallbackStream([nested], "hi", {
          signal: journal.watch(controller.signal),
        });
        await stream.next();
        const start = Date.now();
        const pending = stream.next().catch((error: unknown) => error);
        if (way === "return") await stream.return();
        else controller.abort("stop");
        assertSame(
          await pending,
          way === "abort" ? "stop" : { done: true, value: undefined },
          "the pending next()",
        );
        assertSame(Date.now() - start, 0, "the time");
      }
    },
  ),
  rule(
    "R22",
    "mapModel() requires a name for a nameless function, and its result is usable as a model",
    async ({ fake }) => {
      const error = await errorOf(
        () => mapModel((() => async function* () {})(), mapping as never),
      ) as Error;
      assertSame(
        [error.name, error.message.includes("mapping.name")],
        ["TypeError", true],
        "the error",
      );
      const model = {
        ...fake("a", ["a0|a1", "a2"]),
        provider: "fakes",
        modelId: "a-1",
      };
      const mapped = mapModel(model, { ...mapping, name: "b" });
      assertSame(
        [mapped.name, mapped.provider, mapped.modelId],
        ["b", "fakes", "a-1"],
        "its properties",
      );
      const context: ModelContext = {
        signal: new AbortController().signal,
        stack: new AsyncDisposableStack(),
        model: "b",
        attemptNumber: 1,
      };
      const source = await mapped.stream("hi", context);
      assertSame(
        await read(source as AsyncIterable<string>),
        ["a0", "a1", "a2"],
        "chunks",
      );
    },
  ),
  rule(
    "R23",
    "usage reports are merged field by field, also for a failed attempt",
    async ({ fallbackStream, fallbackModel, fake }) => {
      const reports: Record<string, unknown> = {
        first: { inputTokens: 10, outputTokens: 1 },
        second: { outputTokens: 7, inputTokens: NaN, totalTokens: -1 },
        odd: 5,
        last: { outputTokens: 9, cachedInputTokens: 3, reasoningTokens: "4" },
      };
      const withUsage = (
        name: string,
        script: (string | ReturnType<typeof step.fail>)[],
      ) => ({
        ...fake(name, script),
        usage(chunk: string) {
          if (chunk === "throws") throw new Error("from usage");
          return reports[chunk] as Usage | undefined;
        },
      });
      const isContent = (chunk: string) => chunk === "throws";
      const inner = [
        withUsage("b", ["second", step.fail(2)]),
        withUsage("c", ["first", "throws", "odd", "second", "last"]),
      ];
      const models = [
        withUsage("a", ["first", step.fail(1)]),
        fallbackModel(inner, { isContent }),
      ];
      const stream = await fallbackStream(models, "hi", { isContent });
      await read(stream);
      assertSame(
        stream.attempts[0]!.usage,
        { inputTokens: 10, outputTokens: 1 },
        "the usage of an attempt that failed",
      );
      assertSame("usage" in stream.attempts[1]!, false, "a nested chain's own");
      assertSame(
        usageOf(stream.attempts),
        { inputTokens: 20, outputTokens: 17, cachedInputTokens: 3 },
        "the sum",
      );
    },
  ),
  rule(
    "R24",
    "times that are functions are called once per attempt with the model's name",
    async ({ fallbackStream, fake }) => {
      const calls: string[] = [];
      const time = (what: string, ms: number | undefined) => (name: string) => {
        calls.push(`${what} ${name}`);
        return ms;
      };
      const stream = await fallbackStream(
        [
          fake("a", { scripts: [[step.fail(1)], [step.hang()]] }),
          fake("b", [step.wait(300), "b0"]),
        ],
        "hi",
        {
          timeouts: {
            firstContentMs: time("content", 1e12),
            idleMs: time("idle", undefined),
          },
          retry: { maxAttempts: 2, minDelayMs: 0 },
          hedge: { afterMs: time("hedge", 99.5) },
        },
      );
      assertSame(stream.model, "b", "the model");
      assertSame(Date.now(), 100 + 300, "the time");
      assertSame(
        calls,
        ["a", "a", "b"].flatMap((name) => [
          `content ${name}`,
          `idle ${name}`,
          `hedge ${name}`,
        ]),
        "the calls",
      );
      await read(stream);
    },
  ),
  rule(
    "R24",
    "an error or an invalid result of a timeout function fails the attempt before anything is opened",
    async ({ fallbackStream, fake, journal }) => {
      const thrown = new Error("no time");
      for (const value of [NaN, "5", null, Promise.resolve(5), thrown]) {
        const time = (name: string) => {
          if (name !== "a") return 1000;
          if (value === thrown) throw thrown;
          return value as number;
        };
        const all: [string, Options][] = [
          ["timeouts.firstContentMs", { timeouts: { firstContentMs: time } }],
          ["timeouts.idleMs", { timeouts: { idleMs: time } }],
          ["hedge.afterMs", { hedge: { afterMs: time } }],
        ];
        for (const [option, options] of all) {
          const models = [fake("a", ["a0"]), fake("b", ["b0"])];
          const stream = await fallbackStream(models, "hi", options);
          assertSame(await read(stream), ["b0"], "chunks");
          const { name, message, cause } = stream.attempts[0]!.error as Error;
          assertSame(
            [name, message.includes(`options.${option}`), cause],
            ["TypeError", true, value === thrown ? thrown : undefined],
            "the failure",
          );
        }
      }
      assertSame(
        calledModels(journal).includes("a"),
        false,
        "whether a was called",
      );
      const zero = await errorOf(
        fallbackStream([fake("c", [step.wait(1), "c0"])], "hi", {
          timeouts: { firstContentMs: () => -5 },
        }),
      ) as AggregateError;
      assertSame(Object(zero.errors[0]).ms, 0, "a negative time");
    },
  ),
  rule(
    "R14",
    "concurrent next() of a mapped model get its chunks in order, one pull at a time",
    async ({ fallbackStream, fake }) => {
      const model = fake("a", ["a0", "a1|a2|a3", "a4|a5|a6", "a7"]);
      const stream = await fallbackStream([mapModel(model, mapping)], "hi");
      await stream.next();
      for (const count of [5, 1, 2]) {
        const first = stream.attempts[0]!.chunks;
        assertSame(
          await Promise.all(Array.from({ length: count }, () => stream.next())),
          Array.from(
            { length: count },
            (_, i) =>
              first + i > 7
                ? { done: true, value: undefined }
                : { done: false, value: `a${first + i}` },
          ),
          `the results of ${count} next()`,
        );
      }
    },
  ),
  rule(
    "R14",
    "concurrent next() of a mapped model pull no more than they need",
    async ({ fallbackStream, fake, journal }) => {
      for (const count of [2, 4]) {
        const model = fake("a", ["a0", "a1|a2|a3|a4", "a5"]);
        const stream = await fallbackStream([mapModel(model, mapping)], "hi");
        await stream.next();
        await Promise.all(Array.from({ length: count }, () => stream.next()));
        assertSame(journal.calls.at(-1)!.chunks, 2, "the chunks pulled");
        const rest = ["a1", "a2", "a3", "a4", "a5"].slice(count);
        assertSame(await read(stream), rest, "the rest");
      }
    },
  ),
  rule(
    "R22",
    "isFinal is not called for the rest of a chunk once it has ended the call",
    async ({ fallbackStream, fake, journal }) => {
      const controller = new AbortController();
      const seen: string[] = [];
      const model = mapModel(fake("a", ["a0|a1|a2"]), mapping);
      const opening = fallbackStream([model], "hi", {
        signal: journal.watch(controller.signal),
        isFinal(chunk) {
          seen.push(chunk);
          controller.abort("stop");
          return false;
        },
      });
      assertSame(await errorOf(opening), "stop", "the error");
      assertSame(seen, ["a0"], "what isFinal received");
    },
  ),
  rule(
    "R16",
    "a record has the provider and the modelId of its model, if it has them",
    async ({ fallbackStream, fake }) => {
      const named = { provider: "fakes", modelId: "b-1" };
      const models = [
        fake("a", [step.fail(1)]),
        { ...fake("b", ["b0"]), ...named },
      ];
      const stream = await fallbackStream(models, "hi");
      await read(stream);
      const [a, b] = stream.attempts;
      assertSame(
        ["provider" in a!, "modelId" in a!],
        [false, false],
        "whether the record of a model without them has them",
      );
      assertSame(
        { provider: b!.provider, modelId: b!.modelId },
        named,
        "the record of the other",
      );
    },
  ),
  rule(
    "R23",
    "a report of zero tokens counts",
    async ({ fallbackStream, fake }) => {
      const usage = () => ({ inputTokens: 3, outputTokens: 0 });
      const model = { ...fake("a", ["a0"]), usage };
      const stream = await fallbackStream([model], "hi");
      await read(stream);
      assertSame(stream.attempts[0]!.usage, usage(), "the usage");
    },
  ),
  rule(
    "R24",
    "a hedge without a limit opens no other model",
    async ({ fallbackStream, fake, journal }) => {
      const models = [fake("a", [step.wait(50), "a0"]), fake("b", ["b0"])];
      const stream = await fallbackStream(models, "hi", {
        hedge: { afterMs: () => undefined },
      });
      assertSame(await read(stream), ["a0"], "chunks");
      assertSame(calledModels(journal), ["a"], "the models called");
    },
  ),
  rule(
    "R22",
    "the preamble of a mapped model is delivered in order",
    async ({ fallbackStream, fake }) => {
      const model = mapModel(fake("a", ["meta0|meta1", "meta2|a0"]), mapping);
      const stream = await fallbackStream([model], "hi", { isContent });
      assertSame(
        await read(stream),
        ["meta0", "meta1", "meta2", "a0"],
        "chunks",
      );
    },
  ),
  rule(
    "R22",
    "a mapped model whose stream opens too late has it closed, once",
    async ({ fallbackStream, fake, kind, journal }) => {
      const late = fake("a", [step.wait(20), step.open(), "a0"], {
        ignoresAbort: true,
      });
      const models = [
        mapModel(mapModel(late, mapping), mapping),
        fake("b", [step.open(), step.wait(30), "b0"]),
      ];
      const stream = await fallbackStream(models, "hi", {
        timeouts: { openMs: 10 },
      });
      await read(stream);
      assertSame(journal.calls[0]!.closes, [stopOf(kind)], "the closes");
    },
  ),
  rule(
    "R22",
    "without isContent, a chunk that becomes nothing is no content; without its final chunk, the answer is truncated",
    async ({ fallbackStream, fake }) => {
      const models = [
        mapModel(fake("a", ["", step.fail(1)]), mapping),
        mapModel(fake("b", ["b0", "b1"]), mapping),
      ];
      const stream = await fallbackStream(models, "hi", {
        isFinal: (chunk) => chunk === "stop",
      });
      assertSame(stream.model, "b", "the model");
      assertSame(
        Object(await errorOf(read(stream))).name,
        "TruncatedStreamError",
        "the error",
      );
    },
  ),
];
