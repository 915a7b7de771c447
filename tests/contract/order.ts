// Order and commitment: R1 to R7.

import type { Attempt } from "../../src/types/attempt.ts";
import type { ModelContext } from "../../src/types/model.ts";
import * as step from "../../src/testing/step.ts";
import {
  assertSame,
  calledModels,
  errorOf,
  eventLog,
  isContent,
  read,
  rule,
  type RuleCase,
  stopOf,
} from "./_context.ts";

const isFinal = (chunk: string) => chunk === "stop";
const lines = (count: number) => Array.from({ length: count }, () => "meta");

/** The cases of R1 to R7. */
export const order: RuleCase[] = [
  rule(
    "R1",
    "fallbackStream() tries the models in order and closes each before it opens the next",
    async ({ fallbackStream, fake, kind, journal }) => {
      const models = [
        fake("a", [step.wait(5), step.fail(new Error("refused"))], {
          stackScript: [step.wait(7)],
        }),
        fake("b", ["meta", step.wait(5), step.hang()], {
          isContent,
          closeScript: [step.wait(20)],
          disposeScript: [step.wait(30)],
          stackScript: [step.wait(40)],
        }),
        fake("c", ["c0", "c1"]),
        fake("d", ["d0"]),
      ];
      const stop = stopOf(kind);
      const stream = await fallbackStream(models, "hi", {
        timeouts: { firstContentMs: 100 },
      });
      assertSame(
        Date.now(),
        5 + 7 + 100 + 20 + 30 + 40,
        "the time of the answer",
      );
      assertSame(await read(stream), ["c0", "c1"], "chunks");
      assertSame(
        eventLog(journal),
        [
          "a call",
          "a fail",
          "a abort",
          "a close stack",
          "a closed stack",
          "b call",
          "b open",
          "b abort",
          `b close ${stop}`,
          "b fail",
          `b closed ${stop}`,
          "b close dispose",
          "b closed dispose",
          "b close stack",
          "b closed stack",
          "c call",
          "c open",
          "c end",
        ],
        "what happened",
      );
      assertSame(stream.model, "c", "the model");
      assertSame(stream.attempts.map(({ outcome }) => outcome), [
        "failed",
        "failed",
        "completed",
      ], "outcomes");
    },
  ),
  rule(
    "R1",
    "fallbackStream() passes the same request object to every model",
    async ({ fallbackStream, fake, journal }) => {
      const request = { messages: ["hi"] };
      await read(
        await fallbackStream(
          [fake("a", [step.fail(1)]), fake("b", ["b0"])],
          request,
        ),
      );
      assertSame(
        journal.calls.map((call) => call.request === request),
        [true, true],
        "the request of each call",
      );
    },
  ),
  rule(
    "R2",
    "fallbackStream() delivers the preamble and the answer of one model only",
    async ({ fallbackStream, fake }) => {
      const models = [
        fake("a", ["meta a", step.fail(new Error("overloaded"))]),
        fake("b", ["meta b0", "meta b1", "b2", "meta b3", "b4"]),
      ];
      const stream = await fallbackStream(models, "hi", { isContent });
      assertSame(
        await read(stream),
        ["meta b0", "meta b1", "b2", "meta b3", "b4"],
        "chunks",
      );
    },
  ),
  rule(
    "R2",
    "isContent of the model replaces that of the options and is not called again once it was true",
    async ({ fallbackStream, fake }) => {
      const received: string[] = [];
      const model = fake("a", ["meta 0", "a1", "a2", "a3"], {
        isContent: (chunk) => received.push(chunk) > 1,
      });
      await read(
        await fallbackStream([model], "hi", { isContent: () => false }),
      );
      assertSame(received, ["meta 0", "a1"], "the calls of isContent");
    },
  ),
  rule(
    "R2",
    "fallbackStream() buffers 1,024 chunks and commits with one more",
    async ({ fallbackStream, fake }) => {
      const full = fake("full", [...lines(1024), step.fail(new Error("late"))]);
      const more = fake("more", [
        ...lines(1025),
        step.fail(new Error("later")),
      ]);
      const stream = await fallbackStream(
        [full, more, fake("never", ["x"])],
        "hi",
        { isContent },
      );
      assertSame(stream.model, "more", "the model");
      for (let i = 0; i < 1025; i++) {
        assertSame(
          await stream.next(),
          { done: false, value: "meta" },
          "a held chunk",
        );
      }
      assertSame(
        (await errorOf(stream.next()) as Error).message,
        "later",
        "the error",
      );
    },
  ),
  rule(
    "R2",
    "fallbackStream() reads nothing after the first content before the caller pulls",
    async ({ fallbackStream, fake, journal }) => {
      await using _ = await fallbackStream(
        [fake("a", ["meta", "a1", "a2", "a3"])],
        "hi",
        { isContent },
      );
      assertSame(journal.calls[0]!.chunks, 2, "chunks that were pulled");
    },
  ),
  rule(
    "R3",
    "fallbackStream() opens no other model and retries none after commitment",
    async ({ fallbackStream, fake, journal }) => {
      const lost = new Error("connection lost");
      const stream = await fallbackStream([
        fake("a", ["a0", "a1", step.fail(lost)]),
        fake("b", ["b0"]),
      ], "hi");
      const chunks: string[] = [];
      assertSame(
        await errorOf((async () => {
          for await (const chunk of stream) chunks.push(chunk);
        })()),
        lost,
        "the error",
      );
      assertSame(chunks, ["a0", "a1"], "chunks");
      assertSame(calledModels(journal), ["a"], "the models called");
      assertSame(
        stream.attempts.map(({ outcome, chunks, error }) => ({
          outcome,
          chunks,
          error,
        })),
        [{ outcome: "interrupted", chunks: 2, error: lost }],
        "the record",
      );
    },
  ),
  rule(
    "R4",
    "fallbackStream() falls back on every kind of failure before content",
    async ({ fallbackStream, fake, journal }) => {
      const wrong = new Error("wrong");
      const predicate = () => {
        throw wrong;
      };
      const models = [
        fake("refuses", [step.fail(wrong)]),
        fake("breaks", [step.open(), step.fail(wrong)]),
        fake("breaks later", ["meta", step.wait(3), step.fail(undefined)], {
          isContent,
        }),
        fake("has no content", ["meta"], { isContent: predicate }),
        fake("has no end", ["meta"], { isFinal: predicate }),
        () => {
          throw wrong;
        },
        {
          name: "no stream",
          stream: () => 42 as unknown as AsyncIterable<string>,
        },
        {
          name: "throws at once",
          stream: () => ({
            [Symbol.asyncIterator]: () => ({ next: predicate }),
          }),
        },
        fake("good", ["good"]),
      ];
      const stream = await fallbackStream<unknown, string>(models, "hi");
      assertSame(await read(stream), ["good"], "chunks");
      assertSame(stream.attempts.length, models.length, "attempts");
      assertSame(
        "error" in stream.attempts[2]!,
        true,
        "a failure of undefined is recorded",
      );
      assertSame(
        stream.attempts[5]!.model,
        "model-6",
        "the name of a nameless function",
      );
      assertSame(
        (stream.attempts[6]!.error as Error).name,
        "TypeError",
        "what a source that is none fails with",
      );
      assertSame(calledModels(journal).length, 6, "fakes called");
    },
  ),
  rule(
    "R4",
    "fallbackStream() rejects with the same error object when fallbackOn rejects it",
    async ({ fallbackStream, fake, journal }) => {
      class Overloaded extends Error {}
      const refused = new TypeError("bad request");
      const received: unknown[] = [];
      const models = [
        fake("a", [step.fail(new Overloaded())]),
        fake("b", [step.wait(1), step.fail(refused)]),
        fake("c", ["c0"]),
      ];
      const fallbackOn = [Overloaded, (error: unknown, attempt: Attempt) => {
        received.push(error, attempt.model);
        return Promise.resolve(false);
      }];
      assertSame(
        await errorOf(fallbackStream(models, "hi", { fallbackOn })),
        refused,
        "the error",
      );
      assertSame(received, [refused, "b"], "the calls of the second condition");
      assertSame(calledModels(journal), ["a", "b"], "the models called");
      const again = await fallbackStream(models.slice(1), "hi", {
        fallbackOn: Error,
      });
      assertSame(
        await read(again),
        ["c0"],
        "chunks where the condition is Error itself",
      );
    },
  ),
  rule(
    "R4",
    "fallbackStream() rejects with a SuppressedError of both errors when fallbackOn throws",
    async ({ fallbackStream, fake }) => {
      const failure = new Error("overloaded");
      const wrong = new Error("wrong condition");
      for (
        const fallbackOn of [() => {
          throw wrong;
        }, () => Promise.reject(wrong)]
      ) {
        const error = await errorOf(
          fallbackStream(
            [fake("a", [step.fail(failure)]), fake("b", ["b0"])],
            "hi",
            { fallbackOn },
          ),
        );
        const { name, error: later, suppressed } = error as SuppressedError;
        assertSame(
          [name, later, suppressed],
          ["SuppressedError", wrong, failure],
          "the error",
        );
      }
    },
  ),
  rule(
    "R5",
    "isFinal is called once with every chunk",
    async ({ fallbackStream, fake }) => {
      const seen: string[] = [];
      const model = fake("a", ["meta", "a1", "stop", "usage"], {
        isContent,
        isFinal: (chunk) => seen.push(chunk) > 0 && isFinal(chunk),
      });
      await read(await fallbackStream([model], "hi", { isFinal: () => false }));
      assertSame(
        seen,
        ["meta", "a1", "stop", "usage"],
        "the calls of isFinal",
      );
    },
  ),
  rule(
    "R5",
    "a truncated answer falls back before content and is thrown after it",
    async ({ fallbackStream, fake, journal }) => {
      const models = [
        fake("a", ["meta", step.truncate()]),
        fake("b", ["b0", step.truncate()]),
        fake("c", ["c0", "stop"]),
      ];
      const stream = await fallbackStream(models, "hi", {
        isContent,
        isFinal,
        allowEmpty: true,
      });
      assertSame(
        await stream.next(),
        { done: false, value: "b0" },
        "the first result",
      );
      const error = await errorOf(stream.next()) as Error & { model: string };
      assertSame(
        [error.name, error.model],
        ["TruncatedStreamError", "b"],
        "the error",
      );
      assertSame(
        await stream.next(),
        { done: true, value: undefined },
        "what comes after it",
      );
      assertSame(
        (stream.attempts[0]!.error as Error).name,
        "TruncatedStreamError",
        "what the first failed with",
      );
      assertSame(calledModels(journal), ["a", "b"], "the models called");
      assertSame(
        journal.calls.map(({ signal }) => signal.aborted),
        [false, false],
        "whether the signals of streams that ended aborted",
      );
    },
  ),
  rule(
    "R5",
    "an answer without content is a failure, unless allowEmpty is set",
    async ({ fallbackStream, fake }) => {
      const models = [fake("a", ["meta"]), fake("b", []), fake("c", ["c0"])];
      const stream = await fallbackStream(models, "hi", { isContent });
      assertSame(await read(stream), ["c0"], "chunks");
      assertSame(
        stream.attempts.slice(0, 2).map(({ error }) => (error as Error).name),
        ["EmptyStreamError", "EmptyStreamError"],
        "errors",
      );
      const empty = await fallbackStream(models, "hi", {
        isContent,
        allowEmpty: true,
      });
      assertSame(
        [empty.model, await read(empty)],
        ["a", ["meta"]],
        "the answer where it may be empty",
      );
      assertSame(
        empty.attempts.map(({ outcome }) => outcome),
        ["completed"],
        "its outcome",
      );
    },
  ),
  rule(
    "R6",
    "AllModelsFailedError names each model and its error, also with only one model",
    async ({ fallbackStream, fake }) => {
      const errors = [
        new Error("overloaded"),
        new Error("bad key"),
        "no reason",
      ];
      const models = errors.map((error, i) =>
        fake(`model ${"abc"[i]}`, [step.wait(i), step.fail(error)])
      );
      const error = await errorOf(fallbackStream(models, "hi")) as
        & AggregateError
        & { attempts: Attempt[] };
      assertSame(error.name, "AllModelsFailedError", "its name");
      assertSame(error.errors, errors, "its errors");
      assertSame(
        error.attempts.map(({ model, outcome }) => `${model} ${outcome}`),
        [
          "model a failed",
          "model b failed",
          "model c failed",
        ],
        "its records",
      );
      for (
        const part of [
          "model a",
          "overloaded",
          "model b",
          "bad key",
          "model c",
          "no reason",
        ]
      ) {
        assertSame(
          error.message.includes(part),
          true,
          `whether the message has "${part}"`,
        );
      }
      const alone = await errorOf(
        fallbackStream(models.slice(1, 2), "hi"),
      ) as AggregateError;
      assertSame(
        [alone.name, alone.errors.length],
        ["AllModelsFailedError", 1],
        "with one model",
      );
    },
  ),
  rule(
    "R7",
    "next() rejects once with the same error object when the model fails after commitment",
    async ({ fallbackStream, fake }) => {
      for (const lost of [new Error("connection lost"), undefined]) {
        const stream = await fallbackStream([
          fake("a", ["a0", step.wait(2), step.fail(lost)]),
        ], "hi");
        await stream.next();
        assertSame(await errorOf(stream.next()), lost, "the error");
        assertSame(
          await stream.next(),
          { done: true, value: undefined },
          "the next result",
        );
        await stream[Symbol.asyncDispose]();
      }
    },
  ),
  rule(
    "R4",
    "fallbackStream() handles an isContent without a result, failures that are not errors and iterators that throw synchronously",
    async ({ fallbackStream, fake }) => {
      const silent = (() => undefined) as unknown as () => boolean;
      const error = await errorOf(
        fallbackStream([fake("a", ["x"])], "hi", { isContent: silent }),
      ) as AggregateError;
      assertSame(
        error.errors.map(({ name }) => name),
        ["EmptyStreamError"],
        "the errors when isContent returns undefined",
      );
      const text = "no error at all";
      assertSame(
        await errorOf(
          fallbackStream(
            [fake("b", [step.fail(text)]), fake("c", ["c0"])],
            "hi",
            {
              fallbackOn: Error,
            },
          ),
        ),
        text,
        "a failure that is not an Error",
      );
      const unprintable = Object.create(null);
      const all = await errorOf(
        fallbackStream([fake("d", [step.fail(unprintable)])], "hi"),
      ) as AggregateError;
      assertSame(
        all.errors[0] === unprintable,
        true,
        "whether a failure that cannot be printed is among the errors",
      );
      let pulls = 0;
      const wrong = new Error("at once");
      const abrupt = () => ({
        [Symbol.asyncIterator]: () => ({
          next() {
            if (pulls++ > 0) throw wrong;
            return Promise.resolve({ done: false as const, value: "a0" });
          },
        }),
      });
      const stream = await fallbackStream([abrupt], "hi");
      await stream.next();
      const pulled = stream.next();
      assertSame(
        await errorOf(pulled),
        wrong,
        "what an iterator throws at once",
      );
    },
  ),
  rule(
    "R5",
    "next() does not deliver a chunk whose isFinal call has closed the stream",
    async ({ fallbackStream, fake }) => {
      let close = () => {};
      const stream = await fallbackStream([fake("a", ["a0", "a1"])], "hi", {
        isFinal: (chunk) => {
          if (chunk === "a1") close();
          return false;
        },
      });
      close = () => void stream.return();
      await stream.next();
      assertSame(
        await stream.next(),
        { done: true, value: undefined },
        "the result",
      );
      assertSame(stream.attempts[0]!.chunks, 1, "chunks delivered");
    },
  ),
  rule(
    "R6",
    "records and model contexts number the attempts from 1, and records number the models from 0",
    async ({ fallbackStream }) => {
      const numbers: unknown[] = [];
      const model = (name: string, chunk?: string) => ({
        name,
        stream: async function* (
          _: unknown,
          { model, attemptNumber }: ModelContext,
        ) {
          numbers.push(`${model} ${attemptNumber}`);
          if (chunk === undefined) throw new Error("refused");
          yield await chunk;
        },
      });
      const stream = await fallbackStream<unknown, string>([
        model("a"),
        model("b"),
        model("c", "c0"),
      ], "hi");
      await read(stream);
      assertSame(
        numbers,
        ["a 1", "b 2", "c 3"],
        "the numbers that the models received",
      );
      assertSame(
        stream.attempts.map(({ model, number, modelIndex }) =>
          `${model} ${number} ${modelIndex}`
        ),
        ["a 1 0", "b 2 1", "c 3 2"],
        "the records",
      );
    },
  ),
  rule(
    "R5",
    "isFinal of the options receives every chunk once",
    async ({ fallbackStream, fake }) => {
      const seen: string[] = [];
      const stream = await fallbackStream([fake("a", ["a0", "a1"])], "hi", {
        isFinal: (chunk) => seen.push(chunk) === 2,
      });
      assertSame(await read(stream), ["a0", "a1"], "chunks");
      assertSame(seen, ["a0", "a1"], "what isFinal received");
    },
  ),
];
