// What shared stores promise each other and their database when nothing is
// wrong, in virtual time.

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { delay } from "@std/async/delay";
import { test } from "../_test_without_permissions.ts";
import { stoppedClock, watchedTimers } from "./_clock.ts";
import {
  admits,
  behave,
  fail,
  MODEL,
  openPeer,
  type Peer,
  SHARED_STORES,
  type SharedStoreKind,
  stored,
  virtualTest,
} from "./_peer.ts";

for (const kind of SHARED_STORES) {
  testCache(kind);
  testProbes(kind);
  testClocks(kind);
}

function testCache({ name, makeDatabase }: SharedStoreKind): void {
  virtualTest(
    `${name}() answers at once while its copy is fresh, and reads again in the background (R21)`,
    async () => {
      const one = openPeer(makeDatabase(), { cacheMs: 1000 });
      const { traffic } = one.connection;
      assert(one.store.admit(MODEL) instanceof Promise, "nothing is known");
      await delay(1);
      const { reads } = traffic;
      behave(one, { latencyMs: () => 50 });
      for (let call = 0; call < 40; call++) {
        assertEquals(one.store.admit(MODEL), { admit: true });
        await delay(10);
      }
      assertEquals(traffic.reads, reads, "it is fresh");
      await delay(150);
      for (let call = 0; call < 8; call++) {
        assertEquals(one.store.admit(MODEL), { admit: true });
        await delay(10);
      }
      assertEquals([traffic.reads, traffic.writes], [reads + 1, 0]);
      await delay(1100);
      assert(one.store.admit(MODEL) instanceof Promise, "it is too old");
      await delay(200);
    },
  );

  virtualTest(
    `${name}().prepare() reads all models together, before they are admitted (R21)`,
    async () => {
      const database = makeDatabase();
      const models = ["a", "b", "c"];
      const options = { failureThreshold: 1 };
      const other = openPeer(database, options);
      for (const model of models) await fail(other, model);
      const one = openPeer(database, options);
      behave(one, { latencyMs: () => 20 });
      one.store.prepare(models);
      const startedAt = Date.now();
      for (const model of models) assert(!await admits(one, model));
      // There and back once; a real Redis is asked for its script first.
      assertLessOrEqual(Date.now() - startedAt, 80);
      const { reads } = one.connection.traffic;
      one.store.prepare(models);
      assert(!(one.store.admit("c") instanceof Promise), "it is fresh");
      assertEquals(one.connection.traffic.reads, reads);
    },
  );

  virtualTest(
    `${name}() sends nothing for a model that is up, except for a read per half cacheMs (R21)`,
    async () => {
      const database = makeDatabase();
      const one = openPeer(database);
      for (let call = 0; call < 100; call++) {
        one.store.prepare([MODEL]);
        assert(await admits(one));
        const outcome = call % 2 ? "success" : "released";
        assertEquals(one.store.report(MODEL, outcome), undefined);
        const refused = Object.assign(new Error("bad request"), {
          status: 400,
        });
        assertEquals(one.store.report(MODEL, "failure", refused), undefined);
        await delay(100);
      }
      assertEquals(one.connection.traffic.writes, 0);
      assertLessOrEqual(one.connection.traffic.reads, 22);
      assertEquals(await stored(database), undefined);
    },
  );

  virtualTest(
    `${name}() sends successes with the next exchange (R21)`,
    async () => {
      const options = {
        failureRateThreshold: 0.5,
        minimumThroughput: 4,
        failureThreshold: Infinity,
      };
      const database = makeDatabase();
      const one = openPeer(database, options);
      for (let call = 0; call < 5; call++) {
        assert(await admits(one));
        one.store.report(MODEL, "success");
      }
      assertEquals(one.connection.traffic.writes, 0);
      for (let call = 0; call < 4; call++) await fail(one);
      assertEquals((await stored(database, options))?.state, "closed");
      await fail(one);
      assertEquals((await stored(database, options))?.state, "open");
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
      }) as [Peer, Peer];
      const names = ["\ud800", "a b\n", "", "utf16:d800", "%", "ä/"];
      for (const model of names) await fail(one, model);
      const connection = database.connect();
      const reader = { connection, store: connection.open(options, "one") };
      for (const model of names) assert(!await admits(reader, model), model);
      for (const model of ["\udfff", "\ufffd", "another", "a b", "%25"]) {
        assert(await admits(reader, model), model);
      }
      assert(await admits(other, names[0]));
      assertEquals(await other.store.snapshot(), []);
      const models = (await reader.store.snapshot()).map(({ model }) => model);
      assertEquals(models, [...names].sort());
    },
  );

  test(`${name}() leaves no timer after an exchange (R21)`, async () => {
    using clock = stoppedClock();
    using timers = watchedTimers();
    const options = { failureThreshold: 1, cooldownMs: 1 };
    const one = openPeer(makeDatabase(), options);
    await admits(one);
    await fail(one);
    clock.now++;
    assert(await admits(one), "the probe");
    assertEquals(timers.pending.size, 0);
  });
}

function testProbes({ name, makeDatabase }: SharedStoreKind): void {
  virtualTest(
    `${name}() closes a circuit when a call succeeds that was made while it was open (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1 };
      const [one, other] = [1, 2].map(() => openPeer(database, options)) as [
        Peer,
        Peer,
      ];
      await fail(one);
      assert(!await admits(other));
      await other.store.report(MODEL, "success");
      assert(await admits(other));
      await delay(2000);
      assert(await admits(one));
    },
  );

  virtualTest(
    `${name}() sends one probe of many calls, and of many processes (R21)`,
    async () => {
      for (const cacheMs of [0, 1000, 5000]) {
        const database = makeDatabase();
        const options = { failureThreshold: 1, cooldownMs: 2000, cacheMs };
        const peers = [1, 2, 3].map(() => openPeer(database, options));
        await fail(peers[0]!);
        for (const peer of peers) assert(!await admits(peer));
        await delay(2000);
        for (const peer of peers) behave(peer, { latencyMs: () => 7 });
        const answers = await Promise.all(
          peers.flatMap((peer) => [1, 2, 3, 4].map(() => admits(peer))),
        );
        assertEquals(answers.filter((admit) => admit).length, 1);
      }
    },
  );

  virtualTest(
    `${name}() grants a probe that takes too long to claim, and lets others wait no longer for it (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1, cooldownMs: 2000, cacheMs: 100 };
      const [one, other] = [1, 2].map(() => openPeer(database, options)) as [
        Peer,
        Peer,
      ];
      await fail(one);
      await delay(2000);
      behave(one, { latencyMs: () => 150 });
      assert(await admits(one), "the probe, by the local copy");
      const claimedAt = Date.now();
      await delay(1000);
      assert(!await admits(other), "the claim has arrived");
      await delay(claimedAt + 2000 - Date.now());
      assert(await admits(other), "it has expired");
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
      const [one, other] = [1, 2].map(() => openPeer(database, options)) as [
        Peer,
        Peer,
      ];
      await admits(one); // it knows the clock of the server
      behave(one, { trouble: "rejects" });
      await fail(one);
      await delay(2000);
      assert(await admits(one), "its own probe");
      await delay(1900);
      await fail(other);
      behave(one, {});
      await delay(200);
      assert(!await admits(one), "it is open for the other");
      assertEquals((await other.store.snapshot())[0]!.state, "open");
    },
  );

  virtualTest(
    `${name}() counts a failure that an outdated copy does not count (R21)`,
    async () => {
      const database = makeDatabase();
      const options = { failureThreshold: 1, cooldownMs: 1000 };
      const [one, other] = [1, 2].map(() => openPeer(database, options)) as [
        Peer,
        Peer,
      ];
      await fail(one);
      await delay(1000);
      assert(await admits(other), "the probe");
      await other.store.report(MODEL, "success");
      await delay(60_000);
      await fail(one); // its copy is still open
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
    const one = openPeer(database, options);
    assert(await admits(one), "nothing is known");
    clock.now -= 1e6;
    await fail(openPeer(database, options));
    assert(!await admits(one), "another has failed");
  });

  test(`${name}() keeps no circuit open for longer after a clock was set back (R21)`, async () => {
    using clock = stoppedClock();
    const database = makeDatabase();
    const options = { failureThreshold: 1, cooldownMs: 100, cacheMs: 0 };
    const [one, other] = [1, 2].map(() => openPeer(database, options)) as [
      Peer,
      Peer,
    ];
    clock.now = 1e9;
    await fail(one);
    clock.now = 1e6;
    assert(await admits(other), "the probe");
    await other.store.report(MODEL, "success");
    assert(await admits(other));
    // Calls of the future count from now on.
    clock.now = 1e9;
    const two = { ...options, failureThreshold: 2 };
    await fail(openPeer(database, two), "b");
    clock.now = 1e6;
    await fail(openPeer(database, { ...two, failureThreshold: 3 }), "b");
    clock.now += 61_000;
    await fail(openPeer(database, two), "b");
    assertEquals((await stored(database, two))!.state, "closed");
  });
}
