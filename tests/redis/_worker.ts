// A process of `stress.ts`: it calls `admit()` and `report()` as fast as it can, and
// replies with its observations.

import { redisHealth } from "@fallback/stream/redis";
import { delay } from "@std/async/delay";
import { serveCommands } from "../_child_process.ts";

/** The settings of a worker. */
export interface WorkerSettings {
  readonly name: string;
  readonly port: number;
}

/** What a worker observed. */
export interface Observations {
  readonly reports: number;
  readonly calls: number;
  /** Calls of the store that threw or rejected. */
  readonly thrown: number;
  /** The longest time that `admit()` took, and that a timer was late, in ms. */
  readonly worstAdmitMs: number;
  readonly worstLatenessMs: number;
  /** When each admitted call of the model that is down began. */
  readonly probes: readonly Probe[];
}

/** A call of the model that is down, and how long it waited for the store. */
export interface Probe {
  readonly at: number;
  readonly admitMs: number;
}

const LOOPS = 8;
export const COOLDOWN_MS = 400;

/** Options of the store in which every report is counted. */
export const COUNTING = {
  prefix: "count",
  failureThreshold: 1e9,
  windowMs: 600_000,
};
/** Options of the store whose model is always down. */
export const PROBING = {
  prefix: "probe",
  failureThreshold: 5,
  cooldownMs: COOLDOWN_MS,
  maxCooldownMs: COOLDOWN_MS,
  cacheMs: 200,
};

if (import.meta.main) {
  const { port }: WorkerSettings = JSON.parse(Deno.args[0]!);
  // Not a literal, so that type checks do not need the package.
  const specifier = "npm:redis@6.3.1";
  const { createClient } = await import(specifier);
  const client = createClient({
    url: `redis://127.0.0.1:${port}`,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: () => 50 },
  });
  client.on("error", () => {});
  await client.connect();
  const send = (args: readonly string[]) => client.sendCommand([...args]);
  const counting = redisHealth(send, COUNTING);
  const probing = redisHealth(send, PROBING);
  const down = new Error("overloaded");

  const observe = async (
    seconds: number,
    health: typeof counting,
    holdMs: number,
  ): Promise<Observations> => {
    const end = Date.now() + seconds * 1000;
    let [reports, calls, thrown, worstAdmitMs, worstLatenessMs] = [
      0,
      0,
      0,
      0,
      0,
    ];
    const probes: Probe[] = [];
    const loop = async () => {
      while (Date.now() < end) {
        try {
          calls++;
          const startedAt = performance.now();
          const { admit } = await health.admit("model");
          const admitMs = performance.now() - startedAt;
          worstAdmitMs = Math.max(worstAdmitMs, admitMs);
          if (admit) {
            probes.push({ at: Date.now(), admitMs });
            if (holdMs > 0) await delay(holdMs);
            reports++;
            // If there is nothing to wait for, let other tasks run.
            await (health.report("model", "failure", down) ?? delay(1));
          } else await delay(1);
        } catch {
          thrown++;
        }
      }
    };
    // Does not wait for reports, as `fallbackStream()` does not.
    const admitOnly = async () => {
      while (Date.now() < end) {
        const startedAt = performance.now();
        await health.admit("model that is up");
        worstAdmitMs = Math.max(worstAdmitMs, performance.now() - startedAt);
        await delay(5);
      }
    };
    const watch = async () => {
      while (Date.now() < end) {
        const startedAt = performance.now();
        await delay(50);
        const lateness = performance.now() - startedAt - 50;
        worstLatenessMs = Math.max(worstLatenessMs, lateness);
      }
    };
    await Promise.all([
      watch(),
      admitOnly(),
      ...Array.from({ length: LOOPS }, loop),
    ]);
    return { reports, calls, thrown, worstAdmitMs, worstLatenessMs, probes };
  };

  await serveCommands({
    ready: async () => await probing.snapshot(),
    async count(seconds: number) {
      const seen = await observe(seconds, counting, 0);
      return { ...seen, probes: [] };
    },
    /** Sends what is still queued. */
    async flush() {
      for (let i = 0; i < 5; i++) {
        await counting.report("other", "failure", down);
        await delay(300);
      }
    },
    probe: (seconds: number) => observe(seconds, probing, 20),
    /** Takes the probe and never reports, until the process is killed. */
    async hold() {
      while (!(await probing.admit("model")).admit) await delay(5);
      return { at: Date.now() };
    },
  });
  client.destroy();
}
