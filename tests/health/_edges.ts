// Edges that random sequences do not come to: each has once been a fault.

import type { KvHealthOptions } from "@fallback/stream/kv";
import { virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { stoppedClock, watchedTimers } from "./_clock.ts";
import { FakeKv } from "./_fake_kv.ts";
import { type Case, down, type Subject } from "./_subject.ts";

const MODEL = "gpt";

/** What stores promise where it is easily forgotten. */
export function edgeCases({ kvHealth, memoryHealth }: Subject): Case[] {
  const isolates = (options: KvHealthOptions) => {
    const kv = new FakeKv();
    const connections = [kv.connect(), kv.connect()] as const;
    const [one, other] = connections.map((connection) =>
      kvHealth(connection, options)
    );
    return { kv, connections, one: one!, other: other! };
  };
  const virtual = (name: string, play: () => Promise<void>): Case => ({
    name,
    run: () => virtualTime(play),
  });
  const stopped = (
    name: string,
    play: (clock: { now: number }) => void | Promise<void>,
  ): Case => ({
    name,
    async run() {
      using clock = stoppedClock();
      using _timers = watchedTimers();
      await play(clock);
    },
  });

  return [
    stopped("probes may fail for ever without a cool-down", (clock) => {
      const health = memoryHealth({ failureThreshold: 1, cooldownMs: 0 });
      health.report(MODEL, "failure", down());
      for (let probe = 1; probe <= 1100; probe++) {
        clock.now++;
        assert(health.admit(MODEL).admit, `probe ${probe}`);
        health.report(MODEL, "failure", down());
        assertEquals(health.snapshot()[0]!.retryAt, clock.now);
      }
    }),

    stopped("a ratio is met exactly: 7 of 25 are 0.28", () => {
      const options = { failureRateThreshold: 0.28, minimumThroughput: 25 };
      const health = memoryHealth({ ...options, failureThreshold: Infinity });
      for (let call = 0; call < 18; call++) health.report(MODEL, "success");
      for (let call = 0; call < 6; call++) {
        health.report(MODEL, "failure", down());
      }
      assert(health.admit(MODEL).admit);
      health.report(MODEL, "failure", down());
      assert(!health.admit(MODEL).admit);
    }),

    stopped("a ratio of 0 opens no circuit that has never failed", () => {
      const health = memoryHealth({
        failureRateThreshold: 0,
        minimumThroughput: 1,
      });
      health.report(MODEL, "success");
      assert(health.admit(MODEL).admit);
      health.report(MODEL, "failure", down());
      assert(!health.admit(MODEL).admit);
    }),

    stopped("a clock that is set back keeps no circuit open", (clock) => {
      clock.now = 1e9;
      const health = memoryHealth({ failureThreshold: 1, cooldownMs: 100 });
      health.report(MODEL, "failure", down());
      assert(!health.admit(MODEL).admit);
      clock.now -= 1e8;
      assert(health.admit(MODEL).admit, "the probe");
      assert(!health.admit(MODEL).admit, "no other while it is out");
    }),

    stopped("a fast clock elsewhere keeps no circuit open", async (clock) => {
      const { one, other } = isolates({ failureThreshold: 1, cooldownMs: 100 });
      clock.now = 1e9;
      await one.report(MODEL, "failure", down());
      clock.now = 0;
      assert((await other.admit(MODEL)).admit, "the probe");
      await other.report(MODEL, "success");
      assert((await other.admit(MODEL)).admit);
    }),

    virtual("a claim from before others failed changes nothing", async () => {
      const options = { failures: 1, cooldownMs: 100, maxCooldownMs: 100 };
      const { one, other, connections: [cut] } = isolates(options);
      cut.behaviour.trouble = "rejects";
      await one.report(MODEL, "failure", down());
      await delay(100);
      assert((await one.admit(MODEL)).admit, "its own probe");
      await delay(1900);
      await other.report(MODEL, "failure", down());
      cut.behaviour.trouble = "none";
      assert(!(await one.admit(MODEL)).admit, "it is open for the other");
      assertEquals((await other.snapshot())[0]!.state, "open");
    }),

    virtual("who is out of date loses no failure", async () => {
      const options = { failures: 1, cooldownMs: 1000 };
      const { one, other } = isolates(options);
      await one.report(MODEL, "failure", down());
      await delay(1000);
      assert((await other.admit(MODEL)).admit, "the probe");
      await other.report(MODEL, "success");
      await delay(60_000);
      // `one` has not asked since: it believes that the circuit is still open.
      await one.report(MODEL, "failure", down());
      assertEquals((await other.snapshot())[0]!.state, "open");
    }),

    virtual("a longer prefix is another store's", async () => {
      const kv = new FakeKv();
      const outer = kvHealth(kv.connect(), { prefix: ["health"] });
      const inner = kvHealth(kv.connect(), { prefix: ["health", "eu"] });
      await inner.report(MODEL, "failure", down());
      assertEquals(await outer.snapshot(), []);
      assertEquals((await inner.snapshot()).length, 1);
    }),

    virtual(
      "what is no circuit says nothing, of whatever version",
      async () => {
        const broken = [undefined, null, 7, {}, { state: "closed" }, {
          state: "open",
        }];
        for (const circuit of broken) {
          const { kv, one } = isolates({});
          const key = ["fallback-stream", "health", MODEL];
          kv.set(key, { version: 1, circuit }, 1e9);
          assertEquals(await one.admit(MODEL), { admit: true });
          await one.report(MODEL, "failure", down());
          assertEquals((await one.snapshot())[0]!.failures, 1);
        }
      },
    ),
  ];
}
