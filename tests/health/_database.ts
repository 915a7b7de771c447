// What the fake databases have in common: connections whose latency and failures
// the tests set. Each store has its own connection.

import type { SharedHealth } from "@fallback/stream/kv";
import type { SharedHealthOptions } from "@fallback/stream/kv";

/** How a connection fails. */
export type FailureMode =
  | "none"
  | "rejects" // every request
  | "throws" // every request, synchronously, as on a closed client
  | "full" // every write
  | "loses the reply" // of every write, after it was done
  | "hangs"; // no request gets a reply

/** How a connection behaves. It can be changed at any time. */
export interface Behavior {
  failureMode: FailureMode;
  /** How long a request or a reply takes one way, in milliseconds. */
  latencyMs: () => number;
  /** Whether a commit to a KV fails as if another process had written the entry. */
  conflict: () => boolean | "locked";
}

/** The behavior of a connection that works. */
export const WORKS: Behavior = {
  failureMode: "none",
  latencyMs: () => 0,
  conflict: () => false,
};

/** What was sent over a connection. */
export interface Traffic {
  reads: number;
  writes: number;
  /** The number of requests in flight, and its maximum so far. */
  open: number;
  mostOpen: number;
}

/** A connection of one process. */
export interface Connection {
  readonly behavior: Behavior;
  readonly traffic: Traffic;
  /** Makes a store over the connection. */
  open(options?: SharedHealthOptions, prefix?: string): SharedHealth;
}

/** A database that many connections share. */
export interface Database {
  connect(behavior?: Partial<Behavior>): Connection;
}

/** Simulates a request: waits, runs `work`, waits again, and returns its result. */
export function request<T>(
  { behavior, traffic }: Pick<Connection, "behavior" | "traffic">,
  isWrite: boolean,
  work: () => T,
): Promise<T> {
  const { failureMode, latencyMs } = behavior;
  if (isWrite) traffic.writes++;
  else traffic.reads++;
  if (failureMode === "throws") throw new TypeError("the database is closed");
  return (async () => {
    traffic.mostOpen = Math.max(traffic.mostOpen, ++traffic.open);
    try {
      if (failureMode === "hangs") await new Promise<never>(() => {});
      await waitLatency(latencyMs());
      if (failureMode === "rejects") throw new Error("the database is down");
      if (failureMode === "full" && isWrite) {
        throw new Error("the database is full");
      }
      const result = work();
      await waitLatency(latencyMs());
      if (failureMode === "loses the reply" && isWrite) {
        throw new Error("the connection was lost");
      }
      return result;
    } finally {
      traffic.open--;
    }
  })();
}

/** Sets no timer if there is nothing to wait for. */
async function waitLatency(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
