// Several stores use one database at once, in virtual time. Requests take a random
// time, and some commits to a KV fail without a conflict.

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
  type ConnectedStore,
  isAdmitted,
  MODEL,
  reportFailure,
  SHARED_STORES,
  type SharedStoreKind,
  storedCircuit,
} from "./_shared_stores.ts";

/** The longest that a request or a reply takes one way, in milliseconds. */
const LATENCY_MS = 5;

/** Stores over one database, and the random numbers of the seed. */
interface ConcurrentStores {
  readonly database: Database;
  readonly stores: readonly ConnectedStore[];
  readonly draw: Random;
}

function openStores(
  { makeDatabase }: SharedStoreKind,
  seed: number,
  options: SharedHealthOptions,
): ConcurrentStores {
  const draw = random(-seed);
  const database = makeDatabase();
  const stores = Array.from({ length: 2 + below(draw, 4) }, () => {
    const connection = database.connect({
      latencyMs: () => below(draw, LATENCY_MS + 1),
      conflict: () => draw() < 0.2 && (draw() < 0.5 || "locked"),
    });
    return { connection, store: connection.open(options) };
  });
  return { database, stores, draw };
}

for (const kind of SHARED_STORES) {
  const testWithRandomTiming = (
    behavior: string,
    run: (kind: SharedStoreKind, seed: number) => Promise<void>,
  ) =>
    test(`${kind.name}() ${behavior} (R21)`, async () => {
      for (let seed = 1; seed <= 100; seed++) {
        using _chance = seededChance(seed);
        try {
          await virtualTime(() => run(kind, seed));
        } catch (error) {
          throw new Error(`seed ${seed}: ${error}`, { cause: error });
        }
      }
    });
  testWithRandomTiming(
    "counts every failure when stores report at once",
    countsEveryFailure,
  );
  testWithRandomTiming(
    "admits one probe at a time across all stores",
    admitsOneProbe,
  );
  testWithRandomTiming(
    "sees changes of other stores within cacheMs",
    seesChanges,
  );
  testWithRandomTiming("runs one sync at a time", runsOneSync);
}

async function countsEveryFailure(kind: SharedStoreKind, seed: number) {
  const failureThreshold = 1 + seed % 9;
  const options = { failureThreshold };
  const { database, stores, draw } = openStores(kind, seed, options);
  const reports = Array.from({ length: failureThreshold - 1 }, async () => {
    await delay(below(draw, 20));
    await reportFailure(stores[below(draw, stores.length)]!);
  });
  await Promise.all(reports);
  if (failureThreshold > 1) {
    assertEquals(await storedCircuit(database, options), {
      model: MODEL,
      state: "closed",
      failures: failureThreshold - 1,
    });
  }
  await reportFailure(stores[0]!);
  const { state, failures } = (await storedCircuit(database, options))!;
  assertEquals([state, failures], ["open", failureThreshold]);
}

async function admitsOneProbe(kind: SharedStoreKind, seed: number) {
  const cooldownMs = 500;
  const options = {
    failureThreshold: 1,
    cooldownMs,
    maxCooldownMs: 1000,
    cacheMs: 50,
  };
  const { stores, draw } = openStores(kind, seed, options);
  await reportFailure(stores[0]!);
  const openedAt = Date.now();
  /** The running probes, with the time when each expires. */
  const running = new Set<{ until: number }>();
  let probes = 0;
  let isUp = false;
  const call = async (store: ConnectedStore) => {
    const startedAt = Date.now();
    if (!await isAdmitted(store) || isUp) return;
    const now = Date.now();
    if (probes === 0) {
      // The first probe starts after the cooldown. Before that, only a store with
      // an outdated copy admits a call.
      if (now < openedAt + 60) return;
      assert(now >= cooldownMs, `a call was admitted at ${now} ms`);
    }
    for (const { until } of running) {
      assert(until <= now, `at ${now} ms a probe is running until ${until} ms`);
    }
    // The probe was claimed while admit() was pending. The store knows the clock of
    // the database with an error of up to one round trip.
    const probe = { until: startedAt + cooldownMs - 2 * LATENCY_MS };
    running.add(probe);
    probes++;
    const outcome = below(draw, 4);
    if (outcome === 0) return; // This probe never reports.
    await delay(below(draw, cooldownMs / 2));
    running.delete(probe);
    if (outcome === 1) await store.store.report(MODEL, "released");
    if (outcome === 2) await reportFailure(store);
    if (outcome === 3) {
      isUp = true;
      await store.store.report(MODEL, "success");
    }
  };
  await Promise.all(stores.map(async (store) => {
    for (let at = 0; at < 4000 && !isUp; at += 50) {
      await Promise.all([call(store), call(store), delay(50)]);
    }
  }));
  assertGreater(probes, 0, "no probe was admitted");
  await delay(50);
  if (isUp) assert(await isAdmitted(stores[0]!), "a probe has succeeded");
}

async function seesChanges(kind: SharedStoreKind, seed: number) {
  const cacheMs = 100;
  const options = { failureThreshold: 1, cooldownMs: 1000, cacheMs };
  const { stores, draw } = openStores(kind, seed, options);
  let openedAt = Infinity;
  let closedAt = Infinity;
  const traffic = Promise.all(stores.map(async (store) => {
    while (Date.now() < 2500) {
      const startedAt = Date.now();
      const admit = await isAdmitted(store);
      const isKnown = (at: number) => startedAt > at + cacheMs + LATENCY_MS;
      if (isKnown(closedAt)) assert(admit, `skipped, closed at ${closedAt}`);
      else if (isKnown(openedAt) && startedAt < openedAt + 900) {
        assert(!admit, `called, opened at ${openedAt}`);
      } else if (admit && startedAt >= openedAt + 1000) {
        await store.store.report(MODEL, "success");
        closedAt = Math.min(closedAt, Date.now());
      }
      await delay(1 + below(draw, 60));
    }
  }));
  await delay(200 + below(draw, 200));
  await reportFailure(stores[0]!);
  openedAt = Date.now();
  await traffic;
  assertLessOrEqual(closedAt, 2500, "the circuit never closed");
}

async function runsOneSync(kind: SharedStoreKind, seed: number) {
  const options = { failureThreshold: 100, cacheMs: 100 };
  const { database, stores, draw } = openStores(kind, seed, options);
  await Promise.all(stores.map(async (store) => {
    await Promise.all(Array.from({ length: 9 }, async () => {
      await delay(below(draw, 30));
      if (await isAdmitted(store)) {
        await store.store.report(MODEL, "failure", overloaded());
      }
    }));
    const { reads, writes, mostOpen } = store.connection.traffic;
    assertEquals(mostOpen, 1);
    assertLessOrEqual(reads + writes, 60);
  }));
  const circuit = await storedCircuit(database, options);
  assertEquals(circuit?.failures, 9 * stores.length);
}
