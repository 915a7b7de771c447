import type { StreamSource } from "@fallback/stream";
import {
  createJournal,
  fakeModel,
  type FakeModelOptions,
  type Journal,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async/delay";
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
      await delay(100);
      const { pull } = puller(
        await model.stream("hi", createAttempt().context),
      );
      assertEquals(Date.now(), 105);
      for (const [value, at] of [["a0", 108], ["a1", 109], ["a2", 112]]) {
        assertEquals<unknown>(await pull(), { done: false, value });
        assertEquals(Date.now(), at);
        await delay(1);
      }
      assertEquals(await pull(), { done: true, value: undefined });
      assertEquals(`${model.journal}`.split("\n"), [
        '     0 a#1 call "hi"',
        "     5 a#1 open",
        "     5 a#1 pull",
        '     8 a#1 chunk "a0"',
        "     9 a#1 pull",
        '     9 a#1 chunk "a1"',
        "    10 a#1 pull",
        '    12 a#1 chunk "a2"',
        "    13 a#1 pull",
        "    13 a#1 end",
      ]);
      const { opened, ended, chunks, closes } = model.journal.calls[0]!;
      assertEquals([opened, ended, chunks, closes], [true, "end", 3, []]);
    }));

  test(`fakeModel() runs the scripts of how it is closed, and logs the abort (${kind})`, () =>
    virtualTime(async () => {
      const model = fakeModel("a", ["a0", "a1"], {
        kind,
        closeScript: [step.wait(2)],
        disposeScript: [step.wait(3)],
        stackScript: [step.wait(4)],
      });
      const attempt = createAttempt();
      const request = { cause: new RangeError("far") };
      const source = await model.stream(request, attempt.context);
      const { pull, stop } = puller(source);
      await pull();
      await delay(1);
      attempt.abort(new Error("stop"));
      assertEquals(
        await stop(),
        kind === "readable" ? undefined : { done: true, value: undefined },
      );
      await (source as Partial<AsyncDisposable>)[Symbol.asyncDispose]!();
      await attempt[Symbol.asyncDispose]();
      const way = kind === "readable" ? "cancel" : "return";
      assertEquals(`${model.journal}`.split("\n"), [
        '     0 a#1 call {"cause":"RangeError: far"}',
        "     0 a#1 open",
        "     0 a#1 pull",
        '     0 a#1 chunk "a0"',
        "     1 a#1 abort Error: stop",
        `     1 a#1 close "${way}"`,
        `     3 a#1 closed "${way}"`,
        '     3 a#1 close "dispose"',
        '     6 a#1 closed "dispose"',
        '     6 a#1 close "stack"',
        '    10 a#1 closed "stack"',
      ]);
      const { opened, ended, chunks, closes } = model.journal.calls[0]!;
      assertEquals([opened, ended, chunks], [true, undefined, 1]);
      assertEquals(closes, [way, "dispose", "stack"]);
      model.journal.assertClean();
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
      // A source is disposed of only once there is one.
      const options = { kind, disposeScript: [] };
      const { stream, journal } = fakeModel("a", [step.fail(wrong)], options);
      const { context, abort } = createAttempt();
      await assertRejects(() => Promise.resolve(stream(0, context)));
      abort();
      journal.assertClean();
      const { opened, ended } = journal.calls[0]!;
      assertEquals([opened, ended], [false, "fail"]);
      assertEquals(`${journal}`.split("\n").slice(1, 2), [
        "     0 a#1 fail Error: wrong",
      ]);
    }));

  test(`fakeModel() stops waiting when its signal aborts, unless ignoresAbort is set (${kind})`, () =>
    virtualTime(async () => {
      const reason = new Error("stop");
      for (const script of [["a0", step.wait(100)], ["a0", step.hang()]]) {
        const { context, abort } = createAttempt();
        const model = fakeModel("a", script, { kind });
        const { pull } = puller(await model.stream(0, context));
        await pull();
        const pending = pull();
        await delay(0);
        abort(reason);
        assertStrictEquals(await assertRejects(() => pending), reason);
        assertEquals(`${model.journal}`.split("\n").slice(-2), [
          "     0 a#1 abort Error: stop",
          "     0 a#1 fail Error: stop",
        ]);
        const opening = async () =>
          await fakeModel("a", script.slice(1), { kind }).stream(0, context);
        assertStrictEquals(await assertRejects(opening), reason);
      }
      const aborted = createAttempt();
      const chunks = fakeModel("a", ["a0"], { kind });
      const between = puller(await chunks.stream(0, aborted.context));
      aborted.abort(reason);
      assertStrictEquals(await assertRejects(between.pull), reason);
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
  const model = fakeModel("a", { scripts: [["first"], ["second"], ["third"]] });
  const calls = [0, 1, 2, 3].map(async (request) => {
    const { pull } = puller(
      await model.stream(request, createAttempt().context),
    );
    return (await pull()).value;
  });
  assertEquals(await Promise.all(calls), ["first", "second", "third", "third"]);
  assertEquals(
    model.journal.calls.map(({ call, request }) => [call, request]),
    [[1, 0], [2, 1], [3, 2], [4, 3]],
  );
});

test("fakeModel() has the members and the kind of source that its options name", async () => {
  const journal = createJournal();
  const given = { provider: "p", isContent: () => true, isFinal: () => true };
  for (const members of [{}, given]) {
    const { stream, ...rest } = fakeModel("a", [], { journal, ...members });
    assertEquals(typeof stream, "function");
    assertEquals(rest, { name: "a", journal, ...members });
  }
  for (const disposeScript of [undefined, []]) {
    for (const kind of [undefined, ...kinds]) {
      const model = fakeModel("a", [], { kind, disposeScript });
      const source = await model.stream(0, createAttempt().context);
      const found = source instanceof ReadableStream
        ? "readable"
        : "next" in source
        ? "generator"
        : "iterable";
      const isHidden = disposeScript && found !== "readable";
      assertEquals(found, isHidden ? "iterable" : kind ?? "generator");
    }
  }
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
        dispose(): unknown;
      },
    ) => unknown;
    const notAborted = "is over, but its signal did not abort";
    const both = { disposeScript: [], stackScript: [] };
    const misuses: [string[], Misuse, FakeModelOptions<string>?][] = [
      [[], ({ abort, stop }) => (abort(), stop())],
      [[], ({ abort, stop }) => (abort(), stop()), { kind: "readable" }],
      [[], async ({ pull }) => {
        for (let pulls = 0; pulls < 3; pulls++) await pull();
      }],
      [
        [],
        ({ abort, stop, dispose, closeStack }) => (
          abort(), stop(), dispose(), closeStack()
        ),
        both,
      ],
      [["was left open"], ({ abort }) => abort()],
      [["was left open", notAborted], () => {}],
      [["was closed 2 times", notAborted], ({ stop }) => (stop(), stop())],
      [[notAborted], ({ stop }) => stop()],
      [
        ["was pulled during another pull"],
        ({ pull, abort, stop }) => (pull(), pull(), abort(), stop()),
      ],
      [
        ["was pulled when closed"],
        ({ pull, abort, stop }) => (abort(), stop(), pull().catch(() => {})),
      ],
      [
        [
          "was pulled during another pull",
          "was pulled during another pull",
          "was pulled when closed",
        ],
        ({ pull, abort, stop }) => {
          pull();
          pull();
          abort();
          stop();
          pull().catch(() => {});
        },
      ],
      [
        ["had its dispose closed 0 times", "had its stack closed 2 times"],
        ({ abort, stop, closeStack }) => (
          abort(), stop(), closeStack(), closeStack()
        ),
        both,
      ],
      [
        ["had its dispose closed 2 times", "had its stack closed 0 times"],
        ({ abort, stop, dispose }) => (abort(), stop(), dispose(), dispose()),
        both,
      ],
      [["was pulled after its end"], async ({ pull }) => {
        for (let pulls = 0; pulls < 4; pulls++) await pull();
      }],
    ];
    for (const [problems, misuse, options] of misuses) {
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
      const dispose = () =>
        (source as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
      await misuse({ ...puller(source), abort, closeStack, dispose });
      assertEquals(
        complaintOf(journal),
        problems.length === 0 ? undefined : [
          "The journal is not clean:",
          ...problems.map((problem) => `a#1 ${problem}`),
          "",
          `${journal}`,
        ].join("\n"),
      );
    }
  }));

/** What `assertClean()` throws. */
function complaintOf(journal: Journal): string | undefined {
  try {
    journal.assertClean();
  } catch (error) {
    return (error as Error).message;
  }
}

test("assertClean() reports the listeners that are left on a watched signal, after the problems of calls", async () => {
  const journal = createJournal();
  const controller = new AbortController();
  const signal = journal.watch(controller.signal);
  assertStrictEquals(signal, controller.signal);
  const called: string[] = [];
  const left = () => called.push("left");
  const removed = () => called.push("removed");
  signal.addEventListener("abort", left);
  signal.addEventListener("abort", removed);
  signal.removeEventListener("abort", removed);
  signal.removeEventListener("error", left);
  controller.abort();
  assertEquals(called, ["left"]);
  const { context } = createAttempt();
  await fakeModel("a", [], { journal }).stream(0, context);
  assertEquals(complaintOf(journal)?.split("\n"), [
    "The journal is not clean:",
    "a#1 was left open",
    "a#1 is over, but its signal did not abort",
    "1 listeners are left on a signal",
    "",
    "     0 a#1 call 0",
    "     0 a#1 open",
  ]);
  const empty = createJournal();
  empty.watch(signal).addEventListener("abort", left);
  assertEquals(
    complaintOf(empty),
    "The journal is not clean:\n1 listeners are left on a signal\n\n",
  );
  signal.removeEventListener("abort", left);
  empty.assertClean();
});

test("fakeModel() throws TypeError with the value of an invalid script", () => {
  const scripts = [
    ...["text", 7, null, {}],
    ...[[], "text", ["text"], [[], "text"]].map((scripts) => ({ scripts })),
  ];
  for (const script of scripts) {
    const { message } = assertThrows(
      () => fakeModel("a", script as []),
      TypeError,
    );
    assertEquals(
      message,
      `Cannot make a fake model as 'script' must be an array, or hold 'scripts': current value is ${
        JSON.stringify(script)
      }`,
    );
  }
});

test("the functions of step make a Step with their arguments, and wait() throws RangeError for an invalid time", () => {
  const steps = [
    ...[0, 5, 2 ** 31 - 1].map(step.wait),
    ...[step.open(), step.fail("x"), step.hang(), step.end(), step.truncate()],
  ];
  assertEquals(steps.map(({ type, ms, error }) => [type, ms, error]), [
    ["wait", 0, undefined],
    ["wait", 5, undefined],
    ["wait", 2 ** 31 - 1, undefined],
    ["open", 0, undefined],
    ["fail", 0, "x"],
    ["hang", 0, undefined],
    ["end", 0, undefined],
    ["truncate", 0, undefined],
  ]);
  for (const ms of [-1, NaN, Infinity, 2 ** 31]) {
    const { message } = assertThrows(() => step.wait(ms), RangeError);
    assertEquals(
      message,
      `Cannot wait as 'ms' must be a number from 0 to 2147483647: current value is ${ms}`,
    );
  }
});
