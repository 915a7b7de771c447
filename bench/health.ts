// The cost of a health store for a call: admit() and report(), for each store,
// while all models are up and while one fails.

import type { HealthStore } from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { redisHealth } from "@fallback/stream/redis";
import { connect } from "../tests/redis/_client.ts";
import { REDIS_SERVER, startRedis } from "../tests/redis/_server.ts";

/** The costs of one store, in microseconds per call of each method. */
export interface HealthCost {
  readonly store: string;
  /** `admit()` of a model that is up. */
  readonly admitUs: number;
  /** `report()` of a success. */
  readonly successUs: number;
  /** `report()` of a failure, without waiting for it to be stored. */
  readonly failureUs: number;
  /** From the `report()` of one failure until it is stored. */
  readonly storedUs: number;
}

const options = { failureThreshold: 1e9 };
const down = Object.assign(new Error("overloaded"), { status: 503 });

/** Measures every store that this machine has. */
export async function measureHealth(): Promise<HealthCost[]> {
  const costs = [await measure("memory", memoryHealth(options))];
  {
    using kv = await Deno.openKv(":memory:");
    costs.push(await measure("Deno KV, in memory", kvHealth(kv, options)));
  }
  const path = await Deno.makeTempFile({ suffix: ".sqlite" });
  {
    using kv = await Deno.openKv(path);
    costs.push(await measure("Deno KV, a file", kvHealth(kv, options)));
  }
  for (const suffix of ["", "-shm", "-wal"]) {
    await Deno.remove(path + suffix).catch(() => {}); // not all are there
  }
  if (REDIS_SERVER) {
    await using server = await startRedis();
    await using client = await connect(server.port);
    const health = redisHealth(client.send, options);
    costs.push(await measure("Redis, on loopback", health));
  }
  return costs;
}

async function measure(
  store: string,
  health: HealthStore,
): Promise<HealthCost> {
  await health.admit("model");
  const admitUs = await median(11, 2000, () => health.admit("model"));
  const successUs = await median(
    11,
    2000,
    () => health.report("model", "success"),
  );
  const failureUs = await median(
    11,
    200,
    () => void health.report("model", "failure", down),
  );
  const storedUs = await median(5, 20, async () => {
    await health.report("model", "failure", down);
  });
  return { store, admitUs, successUs, failureUs, storedUs };
}

/** The median of some rounds, in microseconds per call. */
async function median(
  rounds: number,
  calls: number,
  work: () => unknown,
): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const startedAt = performance.now();
    for (let call = 0; call < calls; call++) {
      const result = work();
      if (result instanceof Promise) await result;
    }
    times.push((performance.now() - startedAt) / calls * 1000);
    // Let queued reports be stored before the next round.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const sorted = times.slice(1).sort((a, b) => a - b); // the first warms up
  return sorted[Math.floor(rounds / 2)]!;
}

if (import.meta.main) {
  const shown = (us: number) => `${Number(us.toPrecision(2))} µs`;
  console.table(
    (await measureHealth()).map((cost) => ({
      store: cost.store,
      "admit()": shown(cost.admitUs),
      "report() of a success": shown(cost.successUs),
      "of a failure": shown(cost.failureUs),
      "until it is stored": shown(cost.storedUs),
    })),
  );
}
