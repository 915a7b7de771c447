// What is under test: both stores, so that faulty copies can take their place.

import type { KvHealth, KvHealthOptions, KvStore } from "@fallback/stream/kv";
import type { CircuitOptions, MemoryHealth } from "@fallback/stream/health";

/** Whatever makes the two stores. */
export interface Subject {
  memoryHealth(options?: CircuitOptions): MemoryHealth;
  kvHealth(kv: KvStore, options?: KvHealthOptions): KvHealth;
}

/** A promise that the stores make, as a case that can be run on any copy. */
export interface Case {
  readonly name: string;
  /** @throws What is wrong. */
  run(): Promise<void>;
}

/** An error that counts as a failure of its model. */
export const down = (): Error =>
  Object.assign(new Error("overloaded"), { status: 529 });
