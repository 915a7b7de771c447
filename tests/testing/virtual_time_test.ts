import {
  createJournal,
  DeadlockError,
  fakeModel,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import { fallbackStream } from "@fallback/stream";
import { delay } from "@std/async/delay";
import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { TimeError } from "@std/testing/time";
import { withoutGlobal } from "../_without_global.ts";
import { test } from "../_test_without_permissions.ts";

test("virtualTime() advances a year without waiting, and runs timers in due order", async () => {
  const order: string[] = [];
  await virtualTime(async () => {
    const step = async (name: string, ms: number) => {
      for (let i = 0; i < 3; i++) {
        await delay(ms);
        order.push(`${name} ${Date.now()}`);
      }
    };
    await Promise.all([
      step("a", 20),
      step("b", 15),
      delay(31_536_000_000 / 20),
    ]);
  });
  assertEquals(order, ["b 15", "a 20", "b 30", "a 40", "b 45", "a 60"]);
});

const promisesComeFirst = () =>
  virtualTime(async () => {
    let hops = 0;
    setTimeout(() => assertEquals(hops, 10_000), 1);
    for (; hops < 10_000; hops++) await null;
    await delay(2);
  });

test(
  "virtualTime() runs all microtasks before it advances the time",
  promisesComeFirst,
);

test("virtualTime() runs all microtasks first without setImmediate, as in browsers", () =>
  withoutGlobal("setImmediate", promisesComeFirst));

test("virtualTime() returns results, throws errors, and always restores real time", async () => {
  const real = [
    globalThis.setTimeout,
    globalThis.clearTimeout,
    globalThis.Date,
  ];
  const restored = () =>
    assertEquals([
      globalThis.setTimeout,
      globalThis.clearTimeout,
      globalThis.Date,
    ], real);
  assertEquals(await virtualTime(() => 42), 42);
  restored();
  const wrong = new Error("wrong");
  assertStrictEquals(
    await assertRejects(() =>
      virtualTime(() => {
        throw wrong;
      })
    ),
    wrong,
  );
  restored();
  await assertRejects(
    () => virtualTime(() => new Promise(() => {})),
    DeadlockError,
  );
  restored();
});

test("virtualTime() rejects inside another virtualTime(), which continues", () =>
  virtualTime(async () => {
    await delay(1_000);
    await assertRejects(() => virtualTime(() => {}), TimeError);
    await delay(1_000);
    assertEquals(Date.now(), 2_000);
  }));

test("DeadlockError shows the journals of the fakes", async () => {
  const error = await assertRejects(
    () =>
      virtualTime(() =>
        fallbackStream([fakeModel("stuck", [step.hang()])], "hi")
      ),
    DeadlockError,
  );
  assertStringIncludes(error.message, `0 stuck#1 call "hi"`);
});

test("DeadlockError shows the last 20 lines of the journals", async () => {
  const journal = createJournal();
  const script = [
    ...Array.from({ length: 30 }, (_, i) => `a${i}`),
    step.hang(),
  ];
  const model = fakeModel("a", script, { journal });
  const { message } = await assertRejects(
    () =>
      virtualTime(async () => {
        const stream = await fallbackStream([model], "hi");
        await Array.fromAsync(stream);
      }),
    DeadlockError,
  );
  const [, ...tail] = message.split("\n");
  assertEquals(tail, `${journal}`.split("\n").slice(-20));
});

test("assertClean() reports a timer that is left", async () => {
  const journal = createJournal();
  await virtualTime(async () => {
    const stream = await fallbackStream(
      [fakeModel("a", ["a0"], { journal })],
      "hi",
    );
    await Array.fromAsync(stream);
    const cleared = setTimeout(() => {}, 5);
    setTimeout(() => {}, 123);
    clearTimeout(cleared);
  });
  assertThrows(() => journal.assertClean(), Error, "a timer of 123 ms is left");
});
