// What the tests of shared stores need of a fake database: how long it takes,
// what fails, and in which way. Each store has its own connection.

import type { SharedHealth } from "@fallback/stream/kv";
import type { SharedHealthOptions } from "@fallback/stream/kv";

/** What a connection does with a request. */
export type Trouble =
  | "none"
  | "rejects" // every request
  | "throws" // every request, synchronously, as on a closed client
  | "full" // every write
  | "loses the answer" // of every write, after it was done
  | "silent"; // nothing is ever answered

/** How a connection behaves. It can be changed at any time. */
export interface Behavior {
  trouble: Trouble;
  /** How long a request or an answer travels, in milliseconds. */
  latencyMs: () => number;
  /** Whether a KV refuses a commit as if another process had been faster. */
  conflict: () => boolean | "locked";
}

/** The behavior of a connection that works. */
export const WORKS: Behavior = {
  trouble: "none",
  latencyMs: () => 0,
  conflict: () => false,
};

/** What was sent over a connection. */
export interface Traffic {
  reads: number;
  writes: number;
  /** Exchanges that are running now, and the most that ever were. */
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

/** Sends a request, does it at once, and returns the answer. */
export function request<T>(
  { behavior, traffic }: Pick<Connection, "behavior" | "traffic">,
  isWrite: boolean,
  work: () => T,
): Promise<T> {
  const { trouble, latencyMs } = behavior;
  if (isWrite) traffic.writes++;
  else traffic.reads++;
  if (trouble === "throws") throw new TypeError("the database is closed");
  return (async () => {
    traffic.mostOpen = Math.max(traffic.mostOpen, ++traffic.open);
    try {
      if (trouble === "silent") await new Promise<never>(() => {});
      await travel(latencyMs());
      if (trouble === "rejects") throw new Error("the database is down");
      if (trouble === "full" && isWrite) {
        throw new Error("the database is full");
      }
      const result = work();
      await travel(latencyMs());
      if (trouble === "loses the answer" && isWrite) {
        throw new Error("the connection was lost");
      }
      return result;
    } finally {
      traffic.open--;
    }
  })();
}

/** No timer where there is nothing to wait for. */
async function travel(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
