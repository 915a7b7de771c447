import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { IdleTimer } from "../../src/engine/idle_timer.ts";

Deno.test({
  name:
    "R17 IdleTimer extends the limit of a pull only once when the system clock is set back",
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
