// What shared stores do while their database fails, in virtual time.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { type Behavior, WORKS } from "./_database.ts";
import {
  connectStore,
  isAdmitted,
  MODEL,
  reportFailure,
  setBehavior,
  SHARED_STORES,
  storedCircuit,
  virtualTest,
} from "./_shared_stores.ts";

const FAILURE_MODES: Readonly<Record<string, Partial<Behavior>>> = {
  "rejects": { failureMode: "rejects" },
  "is closed": { failureMode: "throws" },
  "is full": { failureMode: "full" },
  "loses its replies": { failureMode: "loses the reply" },
  "never replies": { failureMode: "hangs" },
  "replies after 3 s": { latencyMs: () => 1500 },
};

for (const { name, makeDatabase, isIdempotent } of SHARED_STORES) {
  for (const [failureMode, behavior] of Object.entries(FAILURE_MODES)) {
    virtualTest(
      `${name}() uses its local copy while the database ${failureMode} (R21)`,
      async () => {
        const options = {
          failureThreshold: 2,
          cooldownMs: 1000,
          cacheMs: 100,
        };
        const one = connectStore(makeDatabase(), options);
        setBehavior(one, behavior);
        assert(await isAdmitted(one), "nothing is reported");
        const reports = [reportFailure(one)];
        assert(await isAdmitted(one), "one failure is not enough");
        reports.push(reportFailure(one));
        assert(!await isAdmitted(one), "it has failed twice");
        await delay(500);
        assert(!await isAdmitted(one), "the cooldown is not over");
        await delay(600);
        assert(await isAdmitted(one), "the probe");
        assert(!await isAdmitted(one), "the probe is running");
        reports.push(one.store.report(MODEL, "released"));
        assert(await isAdmitted(one), "the next probe");
        assert(!await isAdmitted(one), "the next probe is running");
        reports.push(one.store.report(MODEL, "success"));
        assert(await isAdmitted(one), "the probe has succeeded");
        await Promise.all(reports);
      },
    );

    if (failureMode === "never replies" && !isIdempotent) continue;
    virtualTest(
      `${name}() sends queued events once a database that ${failureMode} has recovered (R21)`,
      async () => {
        const database = makeDatabase();
        const options = { failureThreshold: 1, cooldownMs: 60_000 };
        const [one, other] = [
          connectStore(database, options),
          connectStore(database, options),
        ];
        setBehavior(one, behavior);
        await reportFailure(one);
        await delay(60_000);
        setBehavior(one, WORKS);
        assert(await isAdmitted(one), "the probe");
        await delay(10_000); // A sync without a reply times out.
        assert(!await isAdmitted(one), "the probe is running");
        await delay(10_000);
        assert(!await isAdmitted(other), "the probe is running");
        await one.store.report(MODEL, "success");
        await delay(1000);
        assert(await isAdmitted(other), "the probe has succeeded");
      },
    );
  }

  virtualTest(
    `${name}() counts an event once after failed writes (R21)`,
    async () => {
      for (const failureMode of ["rejects", "throws", "full"] as const) {
        const database = makeDatabase();
        const one = connectStore(database);
        setBehavior(one, { failureMode });
        await Promise.all([reportFailure(one), reportFailure(one)]);
        await reportFailure(one);
        setBehavior(one, WORKS);
        for (let call = 0; call < 3; call++) {
          await delay(1000);
          await isAdmitted(one);
        }
        await delay(1000);
        assertEquals((await storedCircuit(database))?.failures, 3, failureMode);
      }
    },
  );

  virtualTest(
    `${name}() counts a failure once when the database stores it after the timeout (R21)`,
    async () => {
      const database = makeDatabase();
      const one = connectStore(database);
      setBehavior(one, { latencyMs: () => 1500 });
      reportFailure(one);
      for (let call = 0; call < 30; call++) {
        await isAdmitted(one);
        await delay(1000);
      }
      assertEquals((await storedCircuit(database))?.failures, 1);
    },
  );

  virtualTest(
    `${name}() queues the last 10,000 events (R21)`,
    async () => {
      const options = { failureThreshold: 50_000 };
      const database = makeDatabase();
      const one = connectStore(database, options);
      setBehavior(one, { failureMode: "rejects" });
      for (let i = 0; i < 30_000; i++) reportFailure(one);
      await delay(1000);
      setBehavior(one, WORKS);
      await isAdmitted(one);
      await delay(10_000);
      const failures = (await storedCircuit(database, options))!.failures;
      assertEquals(failures, 10_000);
    },
  );

  virtualTest(
    `${name}().admit() waits for a hanging database once per cacheMs (R21)`,
    async () => {
      const one = connectStore(makeDatabase(), { cacheMs: 1000 });
      setBehavior(one, { failureMode: "hangs" });
      for (let round = 0; round < 5; round++) {
        const startedAt = Date.now();
        assert(await isAdmitted(one));
        assertEquals(Date.now() - startedAt, 200);
        for (let call = 0; call < 9; call++) {
          const answer = one.store.admit(MODEL);
          assert(!(answer instanceof Promise), "admit() waits again");
          await delay(100);
        }
        await delay(100);
      }
    },
  );

  virtualTest(
    `${name}().admit() does not wait after a report that got no answer within 5 s (R21)`,
    async () => {
      const one = connectStore(makeDatabase());
      setBehavior(one, { failureMode: "hangs" });
      await reportFailure(one);
      assertEquals(Date.now(), 5000);
      assertEquals(one.store.admit(MODEL), { admit: true });
    },
  );

  virtualTest(
    `${name}().admit() waits for a hanging database once per call, not once per model (R21)`,
    async () => {
      const models = ["a", "b", "c", "d", "e"];
      for (const isPrepared of [true, false]) {
        const one = connectStore(makeDatabase());
        setBehavior(one, { failureMode: "hangs" });
        for (let call = 0; call < 3; call++) {
          const startedAt = Date.now();
          if (isPrepared) one.store.prepare(models);
          for (const model of models) assert(await isAdmitted(one, model));
          assertEquals(Date.now() - startedAt, 200);
          await delay(2000);
        }
      }
    },
  );

  virtualTest(
    `${name}() sends nothing, and admit() does not wait, for cacheMs after an error of the database (R21)`,
    async () => {
      const one = connectStore(makeDatabase(), {
        ...{ failureThreshold: 1, cooldownMs: 150, maxCooldownMs: 150 },
        cacheMs: 1000,
      });
      setBehavior(one, { failureMode: "rejects" });
      const { traffic } = one.connection;
      await isAdmitted(one);
      assertEquals(traffic.reads, 1);
      for (let call = 0; call < 9; call++) {
        assert(!(one.store.admit(MODEL) instanceof Promise), "admit() waits");
        await reportFailure(one);
        await delay(100);
      }
      assertEquals(traffic.reads + traffic.writes, 1);
      await delay(200);
      await isAdmitted(one);
      assertEquals(traffic.reads + traffic.writes, 2);
    },
  );

  virtualTest(
    `${name}() passes each error of the database to 'onError', and ignores what 'onError' throws (R21)`,
    async () => {
      const errors: unknown[] = [];
      const options = {
        onError(error: unknown) {
          errors.push(error);
          if (errors.length === 1) throw new Error("a bug of the caller");
          return Promise.reject(error);
        },
      };
      const one = connectStore(makeDatabase(), options);
      setBehavior(one, { failureMode: "rejects" });
      assert(await isAdmitted(one));
      await delay(1000);
      assert(await isAdmitted(one));
      setBehavior(one, { failureMode: "hangs" });
      await delay(1000);
      assert(await isAdmitted(one));
      await delay(6000);
      setBehavior(one, { failureMode: "full" });
      await reportFailure(one);
      assertEquals(errors.map(String), [
        "Error: the database is down",
        "Error: the database is down",
        "Error: No answer within 5000 ms",
        "Error: the database is full",
      ]);
    },
  );

  virtualTest(
    `${name}().snapshot() rejects with the error of the database (R21)`,
    async () => {
      const one = connectStore(makeDatabase());
      for (const failureMode of ["rejects", "throws"] as const) {
        setBehavior(one, { failureMode });
        await assertRejects(
          () => one.store.snapshot(),
          Error,
          "the database is",
        );
      }
      setBehavior(one, { failureMode: "hangs" });
      const startedAt = Date.now();
      await assertRejects(
        () => one.store.snapshot(),
        Error,
        "No answer within 5000 ms",
      );
      assertEquals(Date.now() - startedAt, 5000);
    },
  );
}
