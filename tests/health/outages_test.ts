// What shared stores do while their database is in trouble, in virtual time.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { type Behavior, WORKS } from "./_database.ts";
import {
  admits,
  behave,
  fail,
  MODEL,
  openPeer,
  SHARED_STORES,
  stored,
  virtualTest,
} from "./_peer.ts";

const TROUBLES: Readonly<Record<string, Partial<Behavior>>> = {
  "rejects": { trouble: "rejects" },
  "is closed": { trouble: "throws" },
  "is full": { trouble: "full" },
  "loses its answers": { trouble: "loses the answer" },
  "never answers": { trouble: "silent" },
  "answers after 3 s": { latencyMs: () => 1500 },
};

for (const { name, makeDatabase, isIdempotent } of SHARED_STORES) {
  for (const [trouble, behavior] of Object.entries(TROUBLES)) {
    virtualTest(
      `${name}() uses its local copy while the database ${trouble} (R21)`,
      async () => {
        const options = {
          failureThreshold: 2,
          cooldownMs: 1000,
          cacheMs: 100,
        };
        const one = openPeer(makeDatabase(), options);
        behave(one, behavior);
        assert(await admits(one), "nothing is known");
        const reports = [fail(one)];
        assert(await admits(one), "one failure is not enough");
        reports.push(fail(one));
        assert(!await admits(one), "it has failed twice");
        await delay(500);
        assert(!await admits(one), "the cooldown is not over");
        await delay(600);
        assert(await admits(one), "the probe");
        assert(!await admits(one), "the probe is running");
        reports.push(one.store.report(MODEL, "released"));
        assert(await admits(one), "the next probe");
        assert(!await admits(one), "the next probe is running");
        reports.push(one.store.report(MODEL, "success"));
        assert(await admits(one), "the probe has succeeded");
        await Promise.all(reports);
      },
    );

    if (trouble === "never answers" && !isIdempotent) continue;
    virtualTest(
      `${name}() sends what is queued after the database that ${trouble} has recovered (R21)`,
      async () => {
        const database = makeDatabase();
        const options = { failureThreshold: 1, cooldownMs: 60_000 };
        const [one, other] = [
          openPeer(database, options),
          openPeer(database, options),
        ];
        behave(one, behavior);
        await fail(one);
        await delay(60_000);
        behave(one, WORKS);
        assert(await admits(one), "the probe");
        await delay(10_000); // an exchange without an answer ends
        assert(!await admits(one), "the probe is running");
        await delay(10_000);
        assert(!await admits(other), "the probe is running");
        await one.store.report(MODEL, "success");
        await delay(1000);
        assert(await admits(other), "the probe has succeeded");
      },
    );
  }

  virtualTest(`${name}() counts what was refused once (R21)`, async () => {
    for (const trouble of ["rejects", "throws", "full"] as const) {
      const database = makeDatabase();
      const one = openPeer(database);
      behave(one, { trouble });
      await Promise.all([fail(one), fail(one)]);
      await fail(one);
      behave(one, WORKS);
      for (let call = 0; call < 3; call++) {
        await delay(1000);
        await admits(one);
      }
      await delay(1000);
      assertEquals((await stored(database))?.failures, 3, trouble);
    }
  });

  virtualTest(
    `${name}() counts once what a slow database stores (R21)`,
    async () => {
      const database = makeDatabase();
      const one = openPeer(database);
      behave(one, { latencyMs: () => 1500 });
      fail(one);
      for (let call = 0; call < 30; call++) {
        await admits(one);
        await delay(1000);
      }
      assertEquals((await stored(database))?.failures, 1);
    },
  );

  virtualTest(
    `${name}() queues at least the last 10,000 events (R21)`,
    async () => {
      const options = { failureThreshold: 50_000 };
      const database = makeDatabase();
      const one = openPeer(database, options);
      behave(one, { trouble: "rejects" });
      for (let i = 0; i < 30_000; i++) fail(one);
      await delay(1000);
      behave(one, WORKS);
      await admits(one);
      await delay(10_000);
      const failures = (await stored(database, options))!.failures;
      // Some more were already on their way.
      assert(failures >= 10_000 && failures <= 11_000, `${failures}`);
    },
  );

  virtualTest(
    `${name}() lets one call in each cacheMs wait for a silent database (R21)`,
    async () => {
      const one = openPeer(makeDatabase(), { cacheMs: 1000 });
      behave(one, { trouble: "silent" });
      for (let round = 0; round < 5; round++) {
        const startedAt = Date.now();
        assert(await admits(one));
        assertEquals(Date.now() - startedAt, 200);
        for (let call = 0; call < 9; call++) {
          const answer = one.store.admit(MODEL);
          assert(!(answer instanceof Promise), "it waits again");
          await delay(100);
        }
        await delay(100);
      }
    },
  );

  virtualTest(
    `${name}() waits once per call for a silent database, however many models there are (R21)`,
    async () => {
      const models = ["a", "b", "c", "d", "e"];
      for (const isPrepared of [true, false]) {
        const one = openPeer(makeDatabase());
        behave(one, { trouble: "silent" });
        for (let call = 0; call < 3; call++) {
          const startedAt = Date.now();
          if (isPrepared) one.store.prepare(models);
          for (const model of models) assert(await admits(one, model));
          assertEquals(Date.now() - startedAt, 200);
          await delay(2000);
        }
      }
    },
  );

  virtualTest(
    `${name}() does not wait, and leaves the database alone, for cacheMs after a refusal (R21)`,
    async () => {
      const one = openPeer(makeDatabase(), { cacheMs: 1000 });
      behave(one, { trouble: "rejects" });
      const { traffic } = one.connection;
      await admits(one);
      assertEquals(traffic.reads, 1);
      for (let call = 0; call < 9; call++) {
        assert(!(one.store.admit(MODEL) instanceof Promise), "it waits");
        await fail(one);
        await delay(100);
      }
      assertEquals(traffic.reads + traffic.writes, 1);
      await delay(200);
      await admits(one);
      assertEquals(traffic.reads + traffic.writes, 2);
    },
  );

  virtualTest(
    `${name}() gives each failure of the database to 'onError', whatever that does (R21)`,
    async () => {
      const errors: unknown[] = [];
      const options = {
        onError(error: unknown) {
          errors.push(error);
          if (errors.length === 1) throw new Error("a bug of the caller");
          return Promise.reject(error);
        },
      };
      const one = openPeer(makeDatabase(), options);
      behave(one, { trouble: "rejects" });
      assert(await admits(one));
      await delay(1000);
      assert(await admits(one));
      behave(one, { trouble: "silent" });
      await delay(1000);
      assert(await admits(one));
      await delay(6000);
      assertEquals(errors.map(String), [
        "Error: the database is down",
        "Error: the database is down",
        "Error: No answer within 5000 ms",
      ]);
    },
  );

  virtualTest(
    `${name}().snapshot() rejects with the error of the database (R21)`,
    async () => {
      const one = openPeer(makeDatabase());
      for (const trouble of ["rejects", "throws"] as const) {
        behave(one, { trouble });
        await assertRejects(
          () => one.store.snapshot(),
          Error,
          "the database is",
        );
      }
    },
  );
}
