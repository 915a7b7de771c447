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
  assertThrows,
} from "@std/assert";
import { TimeError } from "@std/testing/time";
import { watchTimers } from "../../src/testing/_timers.ts";
import { createAttempt } from "../_test_attempt.ts";
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
  assertEquals([error.name, error.message], [
    "DeadlockError",
    `Everything waits, and no timer is scheduled. The last entries of the journals:\n     0 stuck#1 call "hi"`,
  ]);
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

test("assertClean() reports a timer that is left, but none of a fake, and none that fired or was cleared", async () => {
  const journal = createJournal();
  const fired: unknown[] = [];
  await virtualTime(async () => {
    const options = { journal, ignoresAbort: true };
    const { context, abort } = createAttempt();
    abort();
    fakeModel("a", [step.wait(50)], options).stream("hi", context);
    const cleared = setTimeout(() => fired.push("cleared"), 5);
    clearTimeout(cleared);
    setTimeout((...args: unknown[]) => fired.push(...args), 5, "a", "b");
    await delay(10);
    setTimeout(() => {}, 123);
    setTimeout(() => {});
  });
  assertEquals(fired, ["a", "b"]);
  const { message } = assertThrows(() => journal.assertClean(), Error);
  assertEquals(message.split("\n"), [
    "The journal is not clean:",
    "a timer of 123 ms is left",
    "a timer of 0 ms is left",
    "",
    '     0 a#1 call "hi"',
  ]);
});

test("watchTimers() stops to track when it is disposed of", () =>
  virtualTime(async () => {
    const { setTimeout, clearTimeout } = globalThis;
    const outer = watchTimers();
    const inner = watchTimers();
    inner[Symbol.dispose]();
    const { context } = createAttempt();
    const { journal, stream } = fakeModel("a", []);
    await stream("hi", context);
    assertEquals([...outer.journals], [journal]);
    assertEquals(inner.journals.size, 0);
    outer[Symbol.dispose]();
    assertStrictEquals(globalThis.setTimeout, setTimeout);
    assertStrictEquals(globalThis.clearTimeout, clearTimeout);
  }));
