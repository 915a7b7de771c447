import type { StreamSource } from "@fallback/stream";
import {
  createJournal,
  fakeModel,
  type FakeModelOptions,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { createAttempt } from "../_test_attempt.ts";
import { test } from "../_test_without_permissions.ts";

const kinds = ["generator", "iterable", "readable"] as const;

/** Pulls a source without a loop, as the library does. */
function puller(source: StreamSource<string>) {
  if (source instanceof ReadableStream) {
    const reader = source.getReader();
    return { pull: () => reader.read(), stop: () => reader.cancel() };
  }
  const iterator = source[Symbol.asyncIterator]();
  return { pull: () => iterator.next(), stop: () => iterator.return!() };
}

for (const kind of kinds) {
  test(`fakeModel() runs its script with exact times (${kind})`, () =>
    virtualTime(async () => {
      const model = fakeModel("a", [
        step.wait(5),
        step.open(),
        step.wait(3),
        "a0",
        "a1",
        step.wait(2),
        "a2",
      ], { kind });
      const { pull } = puller(
        await model.stream("hi", createAttempt().context),
      );
      assertEquals(Date.now(), 5);
      for (const [value, at] of [["a0", 8], ["a1", 8], ["a2", 10]]) {
        assertEquals((await pull()).value, value);
        assertEquals(Date.now(), at);
      }
      assertEquals((await pull()).done, true);
      assertEquals(
        `${model.journal}`.split("\n").map((line) => line.trim()),
        [
          '0 a#1 call "hi"',
          "5 a#1 open",
          "5 a#1 pull",
          '8 a#1 chunk "a0"',
          "8 a#1 pull",
          '8 a#1 chunk "a1"',
          "8 a#1 pull",
          '10 a#1 chunk "a2"',
          "10 a#1 pull",
          "10 a#1 end",
        ],
      );
    }));

  test(`fakeModel() fails and ends at step.fail(), step.end() and step.truncate() (${kind})`, () =>
    virtualTime(async () => {
      const wrong = new Error("wrong");
      const readAll = async (
        ...script: (string | ReturnType<typeof step.wait>)[]
      ) => {
        const { pull } = puller(
          await fakeModel("a", script, { kind }).stream(
            0,
            createAttempt().context,
          ),
        );
        const chunks: string[] = [];
        for (;;) {
          const { done, value } = await pull();
          if (done) return chunks;
          chunks.push(value!);
        }
      };
      assertEquals(await readAll("a0", step.end(), "a1"), ["a0"]);
      assertEquals(await readAll("a0", step.truncate(), "a1"), ["a0"]);
      assertEquals(await readAll(), []);
      assertStrictEquals(
        await assertRejects(() => readAll(step.fail(wrong), "a0")),
        wrong,
      );
      assertStrictEquals(
        await assertRejects(() => readAll(step.open(), step.fail(wrong))),
        wrong,
      );
    }));

  test(`fakeModel() stops waiting when its signal aborts, unless ignoresAbort is set (${kind})`, () =>
    virtualTime(async () => {
      for (const script of [["a0", step.wait(100)], ["a0", step.hang()]]) {
        const { context, abort } = createAttempt();
        const reason = new Error("stop");
        const { pull } = puller(
          await fakeModel("a", script, { kind }).stream(0, context),
        );
        await pull();
        const pending = pull();
        abort(reason);
        assertStrictEquals(await assertRejects(() => pending), reason);
      }
      const { context, abort } = createAttempt();
      const ignoring = fakeModel("ignoring", ["a0", step.wait(100), "a1"], {
        kind,
        ignoresAbort: true,
      });
      const { pull } = puller(await ignoring.stream(0, context));
      await pull();
      abort();
      assertEquals((await pull()).value, "a1");
    }));
}

test("fakeModel() runs one script per call, and repeats the last", async () => {
  const model = fakeModel("a", { scripts: [["first"], ["second"]] });
  const calls = [0, 1, 2].map(async () => {
    const { pull } = puller(await model.stream(0, createAttempt().context));
    return (await pull()).value;
  });
  assertEquals(await Promise.all(calls), ["first", "second", "second"]);
});

test("assertClean() reports streams that were left open, closed twice, pulled wrongly or not aborted", () =>
  virtualTime(async () => {
    type Misuse = (
      use: {
        pull(): Promise<unknown>;
        stop(): Promise<unknown>;
        abort(): void;
        /** Runs the close callback of the stack, which a stack does only once. */
        closeStack(): unknown;
        source: object;
      },
    ) => unknown;
    const dispose = (source: object, times: number) => {
      for (let i = 0; i < times; i++) {
        (source as AsyncDisposable)[Symbol.asyncDispose]();
      }
    };
    const misuses: [problem: string, Misuse, FakeModelOptions<string>?][] = [
      ["was left open", ({ abort }) => abort()],
      ["was closed 2 times", ({ abort, stop }) => (abort(), stop(), stop())],
      ["its signal did not abort", ({ stop }) => stop()],
      [
        "was pulled during another pull",
        ({ pull, abort, stop }) => (pull(), pull(), abort(), stop()),
      ],
      [
        "was pulled when closed",
        ({ pull, abort, stop }) => (abort(), stop(), pull().catch(() => {})),
      ],
      [
        "had its dispose closed 0 times",
        ({ abort, stop }) => (abort(), stop()),
        { disposeScript: [] },
      ],
      [
        "had its dispose closed 2 times",
        ({ abort, stop, source }) => (abort(), stop(), dispose(source, 2)),
        { disposeScript: [] },
      ],
      ["had its stack closed 0 times", ({ abort, stop }) => (abort(), stop()), {
        stackScript: [],
      }],
      [
        "had its stack closed 2 times",
        (
          { abort, stop, closeStack },
        ) => (abort(), stop(), closeStack(), closeStack()),
        { stackScript: [] },
      ],
      [
        "was pulled after its end",
        async ({ pull, abort }) => {
          for (let pulls = 0; pulls < 4; pulls++) await pull();
          abort();
        },
      ],
    ];
    for (const [problem, misuse, options] of misuses) {
      const journal = createJournal();
      const { context, abort } = createAttempt();
      let closeStack: () => unknown = () => {};
      context.stack.defer = (close) => void (closeStack = close);
      const model = fakeModel("a", ["a0", "a1"], {
        kind: "iterable",
        journal,
        ...options,
      });
      const source = await model.stream(0, context);
      await misuse({ ...puller(source), abort, closeStack, source });
      assertThrows(() => journal.assertClean(), Error, problem, problem);
    }
    const journal = createJournal();
    const signal = journal.watch(new AbortController().signal);
    signal.addEventListener("abort", () => {});
    assertThrows(() => journal.assertClean(), Error, "1 listeners are left");
  }));

test("fakeModel() throws TypeError for an invalid script", () => {
  assertThrows(() => fakeModel("a", { scripts: [] }), TypeError, "'script'");
  assertThrows(
    () => fakeModel("a", "text" as unknown as []),
    TypeError,
    "text",
  );
  for (const ms of [-1, NaN, Infinity, 2 ** 31]) {
    assertThrows(() => step.wait(ms), RangeError, `current value is ${ms}`);
  }
});
