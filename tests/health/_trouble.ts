// What isolates promise while their KV is in trouble, and that they do not
// trouble it: cases over a fake KV, in virtual time.

import type { KvHealth, KvHealthOptions } from "@fallback/stream/kv";
import { virtualTime } from "@fallback/stream/testing";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { seededChance } from "../../bench/_random.ts";
import { stoppedClock, watchedTimers } from "./_clock.ts";
import { type Behaviour, type Connection, FakeKv } from "./_fake_kv.ts";
import { type Case, down, type Subject } from "./_subject.ts";

const MODEL = "gpt";
const KEY = ["fallback-stream", "health", MODEL];

/** The troubles, each with when it begins to answer again, if by itself. */
const TROUBLES: Readonly<Record<string, Partial<Behaviour>>> = {
  "rejects": { trouble: "rejects" },
  "is closed": { trouble: "throws" },
  "is full": { trouble: "full" },
  "loses its answers": { trouble: "forgets the answer" },
  "never answers": { trouble: "silent" },
  "answers after 3 s": { latencyMs: () => 1500 },
  "is always faster": { conflict: () => true, latencyMs: () => 1 },
};
const FINE: Behaviour = {
  trouble: "none",
  latencyMs: () => 0,
  conflict: () => false,
};

/** One isolate, over a KV of its own unless there is one already. */
interface Isolate {
  readonly kv: FakeKv;
  readonly connection: Connection;
  readonly store: KvHealth;
}

/** What both stores promise of time and of each other, and what `kvHealth` does of trouble. */
export function troubleCases({ kvHealth, memoryHealth }: Subject): Case[] {
  const cases: Case[] = [];
  const promise = (name: string, play: () => Promise<void>) => {
    const run = async () => {
      using _chance = seededChance(1);
      await virtualTime(play);
    };
    cases.push({ name, run });
  };
  const isolate = (options?: KvHealthOptions, kv = new FakeKv()): Isolate => {
    const connection = kv.connect();
    return { kv, connection, store: kvHealth(connection, options) };
  };
  const behave = ({ connection }: Isolate, behaviour: Partial<Behaviour>) =>
    Object.assign(connection.behaviour, FINE, behaviour);
  /** What is stored, as an isolate sees it that has just started. */
  const stored = async (kv: FakeKv, options?: KvHealthOptions) =>
    (await isolate(options, kv).store.snapshot())[0];
  /** Whether a call goes through; within 200 ms it has to know. */
  const ask = async ({ store }: Isolate) => {
    const asked = Date.now();
    const { admit } = await store.admit(MODEL);
    assertLessOrEqual(Date.now() - asked, 200, "it took too long");
    return admit;
  };
  const fail = ({ store }: Isolate) => store.report(MODEL, "failure", down());

  for (const [trouble, behaviour] of Object.entries(TROUBLES)) {
    promise(`over a KV that ${trouble} an isolate goes by itself`, async () => {
      const one = isolate({
        failureThreshold: 2,
        cooldownMs: 1000,
        cacheMs: 100,
      });
      behave(one, behaviour);
      assert(await ask(one), "nothing is known");
      const reports = [fail(one)];
      assert(await ask(one), "one failure is not enough");
      reports.push(fail(one));
      assert(!await ask(one), "it has failed twice");
      await delay(500);
      assert(!await ask(one), "it cools down");
      await delay(600);
      assert(await ask(one), "the probe");
      assert(!await ask(one), "the probe is out");
      reports.push(one.store.report(MODEL, "released"));
      assert(await ask(one), "the next probe");
      assert(!await ask(one), "the next probe is out");
      reports.push(one.store.report(MODEL, "success"));
      assert(await ask(one), "the probe has succeeded");
      await Promise.all(reports);
      assertEquals(one.connection.tally.open > 0, trouble === "never answers");
    });

    // What may have been told is not told again.
    if (trouble === "never answers") continue;
    promise(`after a KV that ${trouble} all are told`, async () => {
      const kv = new FakeKv();
      const options = { failureThreshold: 1, cooldownMs: 60_000 };
      const [one, other] = [isolate(options, kv), isolate(options, kv)];
      behave(one, behaviour);
      await fail(one);
      await delay(60_000);
      behave(one, FINE);
      assert(await ask(one), "the probe");
      assert(!await ask(other), "the probe is out");
      await one.store.report(MODEL, "success");
      await delay(1000);
      assert(await ask(other), "the probe has succeeded");
    });
  }

  promise("what a KV in trouble was not told it is told once", async () => {
    for (const trouble of ["rejects", "throws", "full"] as const) {
      const one = isolate();
      behave(one, { trouble });
      await Promise.all([fail(one), fail(one)]);
      await fail(one);
      behave(one, FINE);
      for (let call = 0; call < 3; call++) {
        await delay(1000);
        await ask(one);
      }
      assertEquals((await stored(one.kv))?.failures, 3, `${trouble}`);
    }
  });

  promise("a slow KV is told nothing twice", async () => {
    const one = isolate();
    behave(one, { latencyMs: () => 1500 });
    fail(one);
    for (let call = 0; call < 30; call++) {
      await ask(one);
      await delay(1000);
    }
    assertEquals((await stored(one.kv))?.failures, 1);
  });

  promise(
    "of what it was not told it is told the last 10,000 words",
    async () => {
      const options = { failureThreshold: 50_000 };
      const one = isolate(options);
      behave(one, { trouble: "rejects" });
      for (let i = 0; i < 500; i++) fail(one);
      await delay(40_000);
      for (let i = 0; i < 10_000; i++) fail(one);
      await delay(15_000);
      behave(one, FINE);
      await ask(one);
      assertEquals((await stored(one.kv, options))?.failures, 10_000);
      await delay(10_000);
      assertEquals((await stored(one.kv, options))?.failures, 10_000);
    },
  );

  promise(
    "only the first call in each cacheMs waits for a silent KV",
    async () => {
      const one = isolate({ cacheMs: 1000 });
      behave(one, { trouble: "silent" });
      for (let round = 0; round < 5; round++) {
        const began = Date.now();
        assert(await ask(one));
        assertEquals(Date.now() - began, 200);
        for (let call = 0; call < 9; call++) {
          assert(
            !(one.store.admit(MODEL) instanceof Promise),
            "it waits again",
          );
          await delay(100);
        }
        await delay(100);
      }
    },
  );

  promise(
    "what is fresh is answered at once, and read again in the background",
    async () => {
      const one = isolate({ cacheMs: 1000 });
      const { tally } = one.connection;
      assert(one.store.admit(MODEL) instanceof Promise, "nothing is known");
      await delay(1);
      assertEquals(tally.gets, 1);
      behave(one, { latencyMs: () => 50 });
      for (let call = 0; call < 40; call++) {
        assertEquals(one.store.admit(MODEL), { admit: true });
        assertEquals(tally.gets, 1, "it is young");
        await delay(10);
      }
      await delay(150);
      for (let call = 0; call < 8; call++) {
        assertEquals(one.store.admit(MODEL), { admit: true });
        await delay(10);
      }
      assertEquals([tally.gets, tally.commits, tally.mostOpen], [2, 0, 1]);
      await delay(1100);
      assert(one.store.admit(MODEL) instanceof Promise, "it is too old");
      await delay(100);
    },
  );

  promise("one read serves all who wait for it", async () => {
    const one = isolate();
    behave(one, { latencyMs: () => 20 });
    await Promise.all(Array.from({ length: 20 }, () => ask(one)));
    assertLessOrEqual(one.connection.tally.gets, 2);
  });

  promise("a model that is up costs no transaction", async () => {
    const one = isolate();
    for (let call = 0; call < 100; call++) {
      assert(await ask(one));
      const told = call % 2 ? "success" : "released";
      assertEquals(one.store.report(MODEL, told), undefined);
      const refused = Object.assign(new Error("bad request"), { status: 400 });
      assertEquals(one.store.report(MODEL, "failure", refused), undefined);
      await delay(100);
    }
    assertEquals(one.connection.tally.commits, 0);
    assertLessOrEqual(one.connection.tally.gets, 20);
    assertEquals(await stored(one.kv), undefined);
  });

  promise("successes go with the next exchange", async () => {
    const options = {
      failureRateThreshold: 0.5,
      minimumThroughput: 4,
      failures: Infinity,
    };
    const one = isolate(options);
    for (let call = 0; call < 5; call++) {
      assert(await ask(one));
      one.store.report(MODEL, "success");
    }
    assertEquals(one.connection.tally.commits, 0);
    for (let call = 0; call < 4; call++) await fail(one);
    assertEquals((await stored(one.kv, options))?.state, "closed");
    await fail(one);
    assertEquals((await stored(one.kv, options))?.state, "open");
  });

  promise(
    "a KV where others are always faster is tried for four seconds",
    async () => {
      const one = isolate({ failureThreshold: 1 });
      behave(one, { conflict: () => true, latencyMs: () => 1 });
      const began = Date.now();
      await fail(one);
      assertAlmostEquals(Date.now() - began, 4000, 50);
      const { commits } = one.connection.tally;
      assertAlmostEquals(commits, 4000 / 14, 50);
      await delay(60_000);
      assertEquals(one.connection.tally.commits, commits);
    },
  );

  promise(
    "what collides is said again to what others have stored",
    async () => {
      const kv = new FakeKv();
      const [one, other] = [isolate({}, kv), isolate({}, kv)];
      behave(one, { latencyMs: () => 10 });
      const slow = fail(one);
      await delay(15);
      await fail(other);
      await slow;
      assertEquals((await stored(kv))?.failures, 2);
      assertGreater(one.connection.tally.commits, 1);
    },
  );

  promise("what is said during an exchange is known after it", async () => {
    const one = isolate({ failureThreshold: 2 });
    behave(one, { latencyMs: () => 20 });
    const reports = [fail(one)];
    await delay(50); // The first commit is on its way.
    behave(one, { trouble: "silent" });
    reports.push(fail(one));
    await delay(50);
    assert(!await ask(one), "it has failed twice");
    await Promise.all(reports);
  });

  promise("a claim that comes late holds nobody up for longer", async () => {
    const kv = new FakeKv();
    const options = { failureThreshold: 1, cooldownMs: 2000, cacheMs: 100 };
    const [one, other] = [isolate(options, kv), isolate(options, kv)];
    await fail(one);
    await delay(2000);
    behave(one, { latencyMs: () => 150 });
    assert(await ask(one), "the probe, by what it knows itself");
    const claimed = Date.now();
    await delay(1000);
    assert(!await ask(other), "the claim has come");
    await delay(claimed + 2000 - Date.now());
    assert(await ask(other), "it has expired");
  });

  promise("one probe goes out of many calls at once", async () => {
    for (const cacheMs of [0, 1000]) {
      const one = isolate({ failureThreshold: 1, cooldownMs: 2000, cacheMs });
      await fail(one);
      behave(one, { latencyMs: () => 7 });
      await delay(2000);
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => ask(one)),
      );
      assertEquals(answers.filter((admit) => admit).length, 1);
    }
  });

  promise("a probe in one isolate is the probe of all", async () => {
    const kv = new FakeKv();
    const options = { failureThreshold: 1, cooldownMs: 2000, cacheMs: 5000 };
    const [one, other] = [isolate(options, kv), isolate(options, kv)];
    await fail(one);
    assert(!await ask(other));
    await delay(2000);
    // Both know what is stored, and that it is time for a probe.
    for (const each of [one, other]) behave(each, { latencyMs: () => 10 });
    const answers = await Promise.all([ask(one), ask(other)]);
    assertEquals(answers.filter((admit) => admit).length, 1);
  });

  promise("everything is kept under its model's key, for a while", async () => {
    const prefix = ["my", 7, true];
    const options = { prefix, failures: 2, windowMs: 500, cooldownMs: 30 };
    const one = isolate({ ...options, maxCooldownMs: 90 });
    for (let call = 0; call < 20; call++) {
      await ask(one);
      await fail(one);
      await delay(20);
    }
    const { writes } = one.kv;
    assertGreater(writes.length, 3);
    for (const { key, expireIn } of writes) {
      assertEquals(key, [...prefix, MODEL]);
      // Not before it could make a difference, nor long after.
      assert(expireIn! >= 500 + 90 && expireIn! <= 1000 + 900, `${expireIn}`);
    }
    const other = isolate();
    await fail(other);
    assertEquals(other.kv.writes[0]!.key, KEY);
  });

  promise(
    "stores with different prefixes and models share nothing",
    async () => {
      const kv = new FakeKv();
      const options = { failureThreshold: 1 };
      const one = isolate({ ...options, prefix: ["one"] }, kv);
      const other = isolate({ ...options, prefix: ["other"] }, kv);
      await fail(one);
      assert(!await ask(one));
      assert(await ask(other));
      assertEquals(await other.store.snapshot(), []);
      assertEquals(await one.store.admit("another"), { admit: true });
      const memory = [memoryHealth(options), memoryHealth(options)] as const;
      memory[0].report(MODEL, "failure", down());
      assert(!memory[0].admit(MODEL).admit);
      assert(memory[1].admit(MODEL).admit);
      assert(memory[0].admit("another").admit);
      assertEquals(memory[1].snapshot(), []);
      assertEquals(memory[0].snapshot().map(({ model }) => model), [MODEL]);
    },
  );

  promise(
    "what cannot be understood says nothing, and is replaced",
    async () => {
      const circuit = { state: "open", retryAt: 1e9, failures: 9 };
      const unknown = [
        ...[null, 42, "open", true, [], {}, circuit, { circuit }],
        ...[0, 2, "1"].map((version) => ({ version, circuit })),
      ];
      for (const value of unknown) {
        const one = isolate({ failureThreshold: 2 });
        one.kv.set(KEY, value, 1e9);
        const empty = { model: MODEL, state: "closed", failures: 0 } as const;
        assertEquals(await one.store.snapshot(), [empty]);
        assert(await ask(one));
        await fail(one);
        assertEquals(await stored(one.kv), { ...empty, failures: 1 });
      }
    },
  );

  promise("a snapshot throws what the KV throws", async () => {
    const one = isolate();
    for (const trouble of ["rejects", "throws"] as const) {
      behave(one, { trouble });
      await assertRejects(() => one.store.snapshot(), Error, "the KV is");
    }
  });

  cases.push({
    name: "an exchange that is over leaves no timer",
    async run() {
      using clock = stoppedClock();
      using timers = watchedTimers();
      const one = isolate({ failureThreshold: 1, cooldownMs: 1 });
      await ask(one);
      await fail(one);
      clock.now++;
      assert(await ask(one), "the probe");
      assertEquals(timers.pending.size, 0);
    },
  }, {
    name: "what was read before the clock was set back is not believed",
    async run() {
      using clock = stoppedClock();
      clock.now = 1e9;
      const options = { failureThreshold: 1, cooldownMs: 100 };
      const one = isolate(options);
      assert(await ask(one), "nothing is known");
      clock.now -= 1e6;
      await fail(isolate(options, one.kv));
      assert(!await ask(one), "another has failed");
    },
  });
  return cases;
}
