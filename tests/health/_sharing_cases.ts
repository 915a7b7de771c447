// What shared stores promise each other and their database when nothing is
// wrong, in virtual time.

import type { SharedHealthOptions } from "@fallback/stream/kv";
import { virtualTime } from "@fallback/stream/testing";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
} from "@std/assert";
import { delay } from "@std/async/delay";
import {
  below,
  type Random,
  random,
  seededChance,
} from "../../bench/_random.ts";
import { test } from "../_pure.ts";
import { stoppedClock, watchedTimers } from "./_clock.ts";
import type { Database } from "./_database.ts";
import { overloaded } from "./_errors.ts";
import {
  admits,
  behave,
  fail,
  MODEL,
  openPeer,
  type Peer,
  type SharedStoreKind,
  stored,
  virtualTest,
} from "./_outage_cases.ts";

/** The longest that a request or an answer of a crowd travels, in milliseconds. */
const LATENCY_MS = 5;

/** Registers the tests. */
export function testSharing(kind: SharedStoreKind): void {
  testCache(kind);
  testProbes(kind);
  testClocks(kind);
  testCrowds(kind);
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

/** Processes that do things at random, with other random numbers for each seed. */
interface Crowd {
  readonly database: Database;
  readonly peers: readonly Peer[];
  readonly draw: Random;
}

function gather(
  { makeDatabase }: SharedStoreKind,
  seed: number,
  options: SharedHealthOptions,
): Crowd {
  const draw = random(-seed);
  const database = makeDatabase();
  const peers = Array.from({ length: 2 + below(draw, 4) }, () => {
    const connection = database.connect({
      latencyMs: () => below(draw, LATENCY_MS + 1),
      conflict: () => draw() < 0.2 && (draw() < 0.5 || "locked"),
    });
    return { connection, store: connection.open(options) };
  });
  return { database, peers, draw };
}

function testCrowds(kind: SharedStoreKind): void {
  const crowdTest = (
    promise: string,
    play: (kind: SharedStoreKind, seed: number) => Promise<void>,
  ) =>
    test(`${kind.name}() ${promise} (R21)`, async () => {
      for (let seed = 1; seed <= 100; seed++) {
        using _chance = seededChance(seed);
        try {
          await virtualTime(() => play(kind, seed));
        } catch (error) {
          throw new Error(`seed ${seed}: ${error}`, { cause: error });
        }
      }
    });
  crowdTest("loses no failure when processes report at once", losesNothing);
  crowdTest("lets one probe through across all processes", sendsOneProbe);
  crowdTest("learns of a change within cacheMs", learnsOfChanges);
  crowdTest("runs one exchange at a time", runsOneExchange);
}

async function losesNothing(kind: SharedStoreKind, seed: number) {
  const failureThreshold = 1 + seed % 9;
  const options = { failureThreshold };
  const { database, peers, draw } = gather(kind, seed, options);
  const reports = Array.from({ length: failureThreshold - 1 }, async () => {
    await delay(below(draw, 20));
    await fail(peers[below(draw, peers.length)]!);
  });
  await Promise.all(reports);
  if (failureThreshold > 1) {
    assertEquals(await stored(database, options), {
      model: MODEL,
      state: "closed",
      failures: failureThreshold - 1,
    });
  }
  await fail(peers[0]!);
  const { state, failures } = (await stored(database, options))!;
  assertEquals([state, failures], ["open", failureThreshold]);
}

async function sendsOneProbe(kind: SharedStoreKind, seed: number) {
  const cooldownMs = 500;
  const options = {
    failureThreshold: 1,
    cooldownMs,
    maxCooldownMs: 1000,
    cacheMs: 50,
  };
  const { peers, draw } = gather(kind, seed, options);
  await fail(peers[0]!);
  const openedAt = Date.now();
  /** Until when each probe is running. */
  const running = new Set<{ until: number }>();
  let probes = 0;
  let isUp = false;
  const call = async (peer: Peer) => {
    const startedAt = Date.now();
    if (!await admits(peer) || isUp) return;
    const now = Date.now();
    if (probes === 0) {
      // The first one comes after the cooldown, except for a copy that is old.
      if (now < openedAt + 60) return;
      assert(now >= cooldownMs, `a call went through at ${now} ms`);
    }
    for (const { until } of running) {
      assert(until <= now, `at ${now} ms a probe is running until ${until} ms`);
    }
    // It was claimed between the call of admit and its answer; the clock of the
    // database is known up to the time of a round trip.
    const probe = { until: startedAt + cooldownMs - 2 * LATENCY_MS };
    running.add(probe);
    probes++;
    const fate = below(draw, 4);
    if (fate === 0) return; // it never reports
    await delay(below(draw, cooldownMs / 2));
    running.delete(probe);
    if (fate === 1) await peer.store.report(MODEL, "released");
    if (fate === 2) await fail(peer);
    if (fate === 3) {
      isUp = true;
      await peer.store.report(MODEL, "success");
    }
  };
  await Promise.all(peers.map(async (peer) => {
    for (let at = 0; at < 4000 && !isUp; at += 50) {
      await Promise.all([call(peer), call(peer), delay(50)]);
    }
  }));
  assertGreater(probes, 0, "no probe ever went out");
  await delay(50);
  if (isUp) assert(await admits(peers[0]!), "a probe has succeeded");
}

async function learnsOfChanges(kind: SharedStoreKind, seed: number) {
  const cacheMs = 100;
  const options = { failureThreshold: 1, cooldownMs: 1000, cacheMs };
  const { peers, draw } = gather(kind, seed, options);
  let openedAt = Infinity;
  let closedAt = Infinity;
  const traffic = Promise.all(peers.map(async (peer) => {
    while (Date.now() < 2500) {
      const startedAt = Date.now();
      const admit = await admits(peer);
      const isKnown = (at: number) => startedAt > at + cacheMs + LATENCY_MS;
      if (isKnown(closedAt)) assert(admit, `skipped, closed at ${closedAt}`);
      else if (isKnown(openedAt) && startedAt < openedAt + 900) {
        assert(!admit, `called, opened at ${openedAt}`);
      } else if (admit && startedAt >= openedAt + 1000) {
        await peer.store.report(MODEL, "success");
        closedAt = Math.min(closedAt, Date.now());
      }
      await delay(1 + below(draw, 60));
    }
  }));
  await delay(200 + below(draw, 200));
  await fail(peers[0]!);
  openedAt = Date.now();
  await traffic;
  assertLessOrEqual(closedAt, 2500, "it has never closed");
}

async function runsOneExchange(kind: SharedStoreKind, seed: number) {
  const options = { failureThreshold: 100, cacheMs: 100 };
  const { database, peers, draw } = gather(kind, seed, options);
  await Promise.all(peers.map(async (peer) => {
    await Promise.all(Array.from({ length: 9 }, async () => {
      await delay(below(draw, 30));
      if (await admits(peer)) {
        await peer.store.report(MODEL, "failure", overloaded());
      }
    }));
    const { reads, writes, mostOpen } = peer.connection.traffic;
    assertEquals(mostOpen, 1);
    assertLessOrEqual(reads + writes, 60);
  }));
  const circuit = await stored(database, options);
  assertEquals(circuit?.failures, 9 * peers.length);
}
