// Stores that share a database which works, in virtual time.

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { delay } from "@std/async/delay";
import { stub } from "@std/testing/mock";
import { test } from "../_test_without_permissions.ts";
import { stoppedClock, watchedTimers } from "./_clock.ts";
import { overloaded } from "./_errors.ts";
import {
  type ConnectedStore,
  connectStore,
  isAdmitted,
  MODEL,
  reportFailure,
  setBehavior,
  SHARED_STORES,
  type SharedStoreKind,
  storedCircuit,
  virtualTest,
} from "./_shared_stores.ts";

for (const kind of SHARED_STORES) {
  testCache(kind);
  testProbes(kind);
  testClocks(kind);
}

function testCache(
  { name, makeDatabase, maxEvents }: SharedStoreKind,
): void {
  virtualTest(
    `${name}().admit() returns at once while the cached copy is fresh, and refreshes it in the background (R21)`,
    async () => {
      const one = connectStore(makeDatabase(), { cacheMs: 1000 });
      const { traffic } = one.connection;
      assert(one.store.admit(MODEL) instanceof Promise, "nothing is cached");
      await delay(1);
      const { reads } = traffic;
      setBehavior(one, { latencyMs: () => 50 });
      for (let call = 0; call < 40; call++) {
        assertEquals(one.store.admit(MODEL), { admit: true });
        await delay(10);
      }
      assertEquals(traffic.reads, reads, "the copy is fresh");
      await delay(150);
      for (let call = 0; call < 8; call++) {
        assertEquals(one.store.admit(MODEL), { admit: true });
        await delay(10);
      }
      await delay(100);
      assertEquals([traffic.reads, traffic.writes], [reads + 1, 0]);
    },
  );

  virtualTest(
    `${name}() refreshes a copy after half of cacheMs, and waits for it after cacheMs, which is 1 s by default (R21)`,
    async () => {
      const open = async () => {
        const one = connectStore(makeDatabase());
        await isAdmitted(one);
        return one;
      };
      for (const method of ["admit", "prepare"] as const) {
        const { connection: { traffic }, store } = await open();
        const { reads } = traffic;
        for (const [ms, expected] of [[499, reads], [1, reads + 1]] as const) {
          await delay(ms);
          if (method === "admit") store.admit(MODEL);
          else store.prepare([MODEL]);
          await delay(0);
          assertEquals(traffic.reads, expected, method);
        }
      }
      for (const [ms, waits] of [[999, false], [1000, true]] as const) {
        const { store } = await open();
        await delay(ms);
        assertEquals(store.admit(MODEL) instanceof Promise, waits, `${ms}`);
      }
    },
  );

  virtualTest(
    `${name}().admit() uses an answer that arrives after exactly 200 ms (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1 };
      await reportFailure(connectStore(database, options));
      const one = connectStore(database, options);
      setBehavior(one, { latencyMs: () => 100 });
      assert(!await isAdmitted(one));
    },
  );

  virtualTest(
    `${name}() pauses for up to 20 ms between two syncs (R21)`,
    async () => {
      using _chance = stub(Math, "random", () => 0.96);
      const one = connectStore(makeDatabase());
      setBehavior(one, { latencyMs: () => 5 });
      const { traffic } = one.connection;
      const requests = () => traffic.reads + traffic.writes;
      const first = reportFailure(one);
      await delay(1);
      reportFailure(one);
      await first;
      const before = requests();
      await delay(18);
      assertEquals(requests(), before, "after 18 ms");
      await delay(1);
      await delay(0);
      assertEquals(requests(), before + 1, "after 19 ms");
    },
  );

  virtualTest(
    `${name}().prepare() reads all models in one request (R21)`,
    async () => {
      const database = makeDatabase();
      const models = ["a", "b", "c"];
      const options = { failureThreshold: 1 };
      const other = connectStore(database, options);
      for (const model of models) await reportFailure(other, model);
      const one = connectStore(database, options);
      setBehavior(one, { latencyMs: () => 20 });
      one.store.prepare(models);
      const startedAt = Date.now();
      for (const model of models) assert(!await isAdmitted(one, model));
      // One round trip; two for Redis, which does not have the script yet.
      assertLessOrEqual(Date.now() - startedAt, 80);
      const { reads } = one.connection.traffic;
      one.store.prepare(models);
      assert(!(one.store.admit("c") instanceof Promise), "the copy is fresh");
      assertEquals(one.connection.traffic.reads, reads);
      await one.store.report("c", "success");
      const { traffic } = one.connection;
      assertLessOrEqual(traffic.reads, reads + 1, "only one circuit is read");
      assertEquals(traffic.writes, 1);
    },
  );

  virtualTest(
    `${name}() sends only a read per half cacheMs for a model that works (R21)`,
    async () => {
      const database = makeDatabase();
      const one = connectStore(database);
      assertEquals(one.store.report(MODEL, "released"), undefined);
      for (let call = 0; call < 100; call++) {
        one.store.prepare([MODEL]);
        assert(await isAdmitted(one));
        const outcome = call % 2 ? "success" : "released";
        assertEquals(one.store.report(MODEL, outcome), undefined);
        const badRequest = Object.assign(new Error("bad request"), {
          status: 400,
        });
        assertEquals(one.store.report(MODEL, "failure", badRequest), undefined);
        await delay(100);
      }
      assertEquals(one.connection.traffic.writes, 0);
      assertLessOrEqual(one.connection.traffic.reads, 22);
      assertEquals(await storedCircuit(database), undefined);
    },
  );

  virtualTest(
    `${name}() sends successes with the next sync (R21)`,
    async () => {
      const options = {
        failureRateThreshold: 0.5,
        minimumThroughput: 4,
        failureThreshold: Infinity,
      };
      const database = makeDatabase();
      const one = connectStore(database, options);
      for (let call = 0; call < 5; call++) {
        assert(await isAdmitted(one));
        one.store.report(MODEL, "success");
      }
      assertEquals(one.connection.traffic.writes, 0);
      for (let call = 0; call < 4; call++) await reportFailure(one);
      assertEquals((await storedCircuit(database, options))?.state, "closed");
      await reportFailure(one);
      assertEquals((await storedCircuit(database, options))?.state, "open");
    },
  );

  virtualTest(
    `${name}() sends events in their order, in as few batches as possible (R21)`,
    async () => {
      const options = { failureThreshold: 2000 };
      const database = makeDatabase();
      const one = connectStore(database, options);
      for (let call = 0; call < 2000; call++) reportFailure(one);
      await one.store.report(MODEL, "success");
      assertEquals(one.connection.traffic.writes, 1 + 2000 / maxEvents);
      assertEquals(await storedCircuit(database, options), {
        model: MODEL,
        state: "closed",
        failures: 0,
      });
    },
  );

  virtualTest(
    `${name}() adds the events of a running sync to what it reads, once (R21)`,
    async () => {
      const options = { failureThreshold: 2 };
      const database = makeDatabase();
      await reportFailure(connectStore(database, options), "a");
      const one = connectStore(database, options);
      setBehavior(one, { latencyMs: () => 20 });
      const admission = one.store.admit("a");
      await delay(1);
      for (const model of ["a", "b"]) reportFailure(one, model);
      setBehavior(one, { failureMode: "hangs" });
      assert(!(await admission).admit, "a failure in each store");
      assert(await isAdmitted(one, "b"), "one failure");
    },
  );

  virtualTest(
    `${name}() shares nothing between prefixes, models and names with lone surrogates (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1 };
      const [one, other] = ["one", "other"].map((prefix) => {
        const connection = database.connect();
        return { connection, store: connection.open(options, prefix) };
      }) as [ConnectedStore, ConnectedStore];
      const names = ["\ud800", "a b\n", "", "utf16:d800", "%", "ä/"];
      for (const model of names) await reportFailure(one, model);
      const connection = database.connect();
      const reader = { connection, store: connection.open(options, "one") };
      for (const model of names) {
        assert(!await isAdmitted(reader, model), model);
      }
      for (const model of ["\udfff", "\ufffd", "another", "a b", "%25"]) {
        assert(await isAdmitted(reader, model), model);
      }
      assert(await isAdmitted(other, names[0]));
      assertEquals(await other.store.snapshot(), []);
      const models = (await reader.store.snapshot()).map(({ model }) => model);
      assertEquals(models, [...names].sort());
    },
  );

  test(`${name}() leaves no timer after a sync (R21)`, async () => {
    using clock = stoppedClock();
    using timers = watchedTimers();
    const options = { failureThreshold: 1, cooldownMs: 1 };
    const one = connectStore(makeDatabase(), options);
    await isAdmitted(one);
    await reportFailure(one);
    clock.now++;
    assert(await isAdmitted(one), "the probe");
    assertEquals(timers.pending.size, 0);
  });
}

function testProbes({ name, makeDatabase }: SharedStoreKind): void {
  virtualTest(
    `${name}() closes a circuit when a call succeeds that was made while it was open (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1 };
      const one = connectStore(database, options);
      const other = connectStore(database, options);
      await reportFailure(one);
      assert(!await isAdmitted(other));
      await other.store.report(MODEL, "success");
      assert(await isAdmitted(other));
      await delay(2000);
      assert(await isAdmitted(one));
    },
  );

  virtualTest(
    `${name}() admits one probe among concurrent calls of several stores (R21)`,
    async () => {
      for (const cacheMs of [0, 1000, 5000]) {
        const database = makeDatabase();
        const options = { failureThreshold: 1, cooldownMs: 2000, cacheMs };
        const stores = [1, 2, 3].map(() => connectStore(database, options));
        await reportFailure(stores[0]!);
        for (const store of stores) assert(!await isAdmitted(store));
        await delay(2000);
        for (const store of stores) setBehavior(store, { latencyMs: () => 7 });
        const admitted = await Promise.all(
          stores.flatMap((store) => [1, 2, 3, 4].map(() => isAdmitted(store))),
        );
        assertEquals(admitted.filter((admit) => admit).length, 1);
      }
    },
  );

  virtualTest(
    `${name}() admits a probe when its claim takes too long to store, and the claim expires after cooldownMs (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1, cooldownMs: 2000, cacheMs: 100 };
      const one = connectStore(database, options);
      const other = connectStore(database, options);
      await reportFailure(one);
      await delay(2000);
      setBehavior(one, { latencyMs: () => 150 });
      assert(await isAdmitted(one), "the probe, from the local copy");
      const claimedAt = Date.now();
      await delay(1000);
      assert(!await isAdmitted(other), "the claim has arrived");
      await delay(claimedAt + 2000 - Date.now());
      assert(await isAdmitted(other), "the claim has expired");
    },
  );

  virtualTest(
    `${name}().admit() returns when the probe of another store expires, or now if it has expired (R21)`,
    async () => {
      for (const [latencyMs, retryAt] of [[0, 20], [50, 110]] as const) {
        const startedAt = Date.now();
        const database = makeDatabase();
        const options = { failureThreshold: 1, cooldownMs: 10, cacheMs: 5000 };
        const one = connectStore(database, options);
        const other = connectStore(database, options);
        await reportFailure(other);
        assert(!await isAdmitted(one));
        await delay(10);
        assert(await isAdmitted(other), "the probe");
        setBehavior(one, { latencyMs: () => latencyMs });
        assertEquals(await one.store.admit(MODEL), {
          admit: false,
          retryAt: startedAt + retryAt,
        });
      }
    },
  );

  virtualTest(
    `${name}() sends the claim of a probe that it admits without a wait (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1, cooldownMs: 1000, cacheMs: 5000 };
      await isAdmitted(connectStore(database, options)); // Redis has the script.
      const one = connectStore(database, options);
      setBehavior(one, { latencyMs: () => 150 });
      assert(await isAdmitted(one), "after 200 ms");
      reportFailure(one);
      await delay(1000);
      assertEquals(one.store.admit(MODEL), { admit: true }, "the probe");
      await delay(600);
      assert(!await isAdmitted(connectStore(database, options)), "the claim");
    },
  );

  virtualTest(
    `${name}() drops a claim that is older than the failures of others (R21)`,
    async () => {
      const database = makeDatabase();
      const options = {
        failureThreshold: 1,
        cooldownMs: 2000,
        maxCooldownMs: 2000,
      };
      const one = connectStore(database, options);
      const other = connectStore(database, options);
      await isAdmitted(one); // Now it knows the clock of the server.
      setBehavior(one, { failureMode: "rejects" });
      await reportFailure(one);
      await delay(2000);
      assert(await isAdmitted(one), "its own probe");
      await delay(1900);
      await reportFailure(other);
      setBehavior(one, {});
      await delay(200);
      assert(!await isAdmitted(one), "the circuit of the other store is open");
      assertEquals((await other.store.snapshot())[0]!.state, "open");
    },
  );

  virtualTest(
    `${name}() counts a failure that is reported to a store with an outdated copy (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1, cooldownMs: 1000 };
      const one = connectStore(database, options);
      const other = connectStore(database, options);
      await reportFailure(one);
      await delay(1000);
      assert(await isAdmitted(other), "the probe");
      await other.store.report(MODEL, "success");
      await delay(60_000);
      await reportFailure(one); // In its copy the circuit is still open.
      assertEquals((await other.store.snapshot())[0]!.state, "open");
    },
  );
}

function testClocks({ name, makeDatabase }: SharedStoreKind): void {
  test(`${name}() reads again when its clock was set back (R21)`, async () => {
    using clock = stoppedClock();
    clock.now = 1e9;
    const database = makeDatabase();
    const options = { failureThreshold: 1 };
    const one = connectStore(database, options);
    assert(await isAdmitted(one), "nothing is reported");
    clock.now -= 1e6;
    await reportFailure(connectStore(database, options));
    assert(!await isAdmitted(one), "another store reported a failure");
  });

  virtualTest(
    `${name}() admits a probe of a circuit that claims to be open for too long, however slow the database is (R21)`,
    async () => {
      const retryAfterMs = 3_600_000;
      for (const latencyMs of [0, 3, 40]) {
        const database = makeDatabase();
        const other = connectStore(database, {
          failureThreshold: 1,
          maxRetryAfterMs: retryAfterMs,
        });
        const error = Object.assign(overloaded(), { retryAfterMs });
        await other.store.report(MODEL, "failure", error);
        const one = connectStore(database, { failureThreshold: 1 });
        setBehavior(one, { latencyMs: () => latencyMs });
        assert(await isAdmitted(one), `the probe, after ${latencyMs} ms`);
        assert(!await isAdmitted(one), "a second probe");
      }
    },
  );

  test(`${name}() keeps no circuit open for longer after a clock was set back (R21)`, async () => {
    using clock = stoppedClock();
    const database = makeDatabase();
    const options = { failureThreshold: 1, cooldownMs: 100, cacheMs: 0 };
    const one = connectStore(database, options);
    const other = connectStore(database, options);
    clock.now = 1e9;
    await reportFailure(one);
    clock.now = 1e6;
    assert(await isAdmitted(other), "the probe");
    await other.store.report(MODEL, "success");
    assert(await isAdmitted(other));
    // A call with a time in the future counts from now on.
    clock.now = 1e9;
    const two = { ...options, failureThreshold: 2 };
    await reportFailure(connectStore(database, two), "b");
    clock.now = 1e6;
    await reportFailure(
      connectStore(database, { ...two, failureThreshold: 3 }),
      "b",
    );
    clock.now += 61_000;
    await reportFailure(connectStore(database, two), "b");
    assertEquals((await storedCircuit(database, two))!.state, "closed");
  });
}
