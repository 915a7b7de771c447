// Opens `kvHealth()` and `redisHealth()` over fake databases, for the tests that
// both have to pass.

import type { SharedHealth, SharedHealthOptions } from "@fallback/stream/kv";
import { virtualTime } from "@fallback/stream/testing";
import { assertLessOrEqual } from "@std/assert";
import { seededChance } from "../../bench/_random.ts";
import { test } from "../_test_without_permissions.ts";
import { FakeKv } from "../kv/_fake_kv.ts";
import { FakeRedis } from "../redis/_fake_redis.ts";
import {
  type Behavior,
  type Connection,
  type Database,
  WORKS,
} from "./_database.ts";
import { overloaded } from "./_errors.ts";

/** The model of most tests. */
export const MODEL = "gpt";

/** A store and its connection. */
export interface ConnectedStore {
  readonly connection: Connection;
  readonly store: SharedHealth;
}

/** What differs between the kinds of stores. */
export interface SharedStoreKind {
  /** The name of the function that creates the store. */
  readonly name: string;
  makeDatabase(): Database;
  /** Whether the store sends a batch again that got no reply. */
  readonly isIdempotent: boolean;
  /** The most events that it sends at once. */
  readonly maxEvents: number;
}

/** A test in virtual time, with the same random numbers in each run. */
export function virtualTest(name: string, fn: () => Promise<void>): void {
  test(name, async () => {
    using _chance = seededChance(1);
    await virtualTime(fn);
  });
}

export function connectStore(
  database: Database,
  options?: SharedHealthOptions,
): ConnectedStore {
  const connection = database.connect();
  return { connection, store: connection.open(options) };
}

export function setBehavior(
  { connection }: ConnectedStore,
  behavior: Partial<Behavior>,
): void {
  Object.assign(connection.behavior, WORKS, behavior);
}

/** Whether the store admits a call. It has to answer within 200 ms. */
export async function isAdmitted(
  { store }: ConnectedStore,
  model: string = MODEL,
): Promise<boolean> {
  const startedAt = Date.now();
  const { admit } = await store.admit(model);
  assertLessOrEqual(Date.now() - startedAt, 200, "admit() took too long");
  return admit;
}

export function reportFailure(
  { store }: ConnectedStore,
  model: string = MODEL,
): Promise<void> | undefined {
  return store.report(model, "failure", overloaded());
}

/** The stored circuit, as a new process reads it. */
export async function storedCircuit(
  database: Database,
  options?: SharedHealthOptions,
) {
  return (await connectStore(database, options).store.snapshot())[0];
}

/** The stores that are shared through a database. */
export const SHARED_STORES: readonly SharedStoreKind[] = [
  {
    name: "kvHealth",
    isIdempotent: false,
    maxEvents: 1000,
    makeDatabase: () => new FakeKv(),
  },
  {
    name: "redisHealth",
    isIdempotent: true,
    maxEvents: 100,
    makeDatabase: () => new FakeRedis(),
  },
];
