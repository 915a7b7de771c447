import { assertEquals } from "@std/assert";
import { stub } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";
import { IdleTimer } from "../../src/engine/idle_timer.ts";

Deno.test({
  name:
    "IdleTimer extends the limit of a pull only once when the system clock is set back (R17)",
  permissions: "none",
  fn() {
    using time = new FakeTime();
    const { Date } = globalThis;
    let offset = 0;
    globalThis.Date = { now: () => Date.now() + offset } as DateConstructor;
    try {
      const start = Date.now();
      let firedAfter: number | undefined;
      const timer = new IdleTimer(1000, () => firedAfter = Date.now() - start);
      timer.start();
      time.tick(400);
      offset = -3_600_000;
      time.tick(10_000);
      timer.stop();
      assertEquals(firedAfter, 2000);
    } finally {
      globalThis.Date = Date;
    }
  },
});

Deno.test({
  name: "IdleTimer ignores its timer when that fires after stop() (R17)",
  permissions: "none",
  fn() {
    using time = new FakeTime();
    // As in Deno before 2.7, where timers are due at the same time.
    using _ = stub(globalThis, "clearTimeout", () => {});
    let calls = 0;
    const timer = new IdleTimer(1000, () => calls++);
    timer.start();
    timer.stop();
    time.tick(2000);
    assertEquals(calls, 0);
  },
});
