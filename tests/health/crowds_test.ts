// Many processes that use one database at once, in virtual time: requests take a
// random time, and a KV refuses commits although nobody was faster.

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
import { test } from "../_test_without_permissions.ts";
import type { Database } from "./_database.ts";
import { overloaded } from "./_errors.ts";
import {
  admits,
  fail,
  MODEL,
  type Peer,
  SHARED_STORES,
  type SharedStoreKind,
  stored,
} from "./_peer.ts";

/** The longest that a request or an answer travels, in milliseconds. */
const LATENCY_MS = 5;

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

for (const kind of SHARED_STORES) {
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
