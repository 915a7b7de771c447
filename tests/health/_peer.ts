// A store over a fake database, as the tests of shared stores use it.

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

/** The model that most cases are about. */
export const MODEL = "gpt";

/** A store and its connection. */
export interface Peer {
  readonly connection: Connection;
  readonly store: SharedHealth;
}

/** What the cases need to know of a store. */
export interface SharedStoreKind {
  /** The name of the function that makes it. */
  readonly name: string;
  makeDatabase(): Database;
  /** Whether it sends a batch again that was not answered. */
  readonly isIdempotent: boolean;
}

/** A test in virtual time, with the same random numbers in each run. */
export function virtualTest(name: string, fn: () => Promise<void>): void {
  test(name, async () => {
    using _chance = seededChance(1);
    await virtualTime(fn);
  });
}

export function openPeer(
  database: Database,
  options?: SharedHealthOptions,
): Peer {
  const connection = database.connect();
  return { connection, store: connection.open(options) };
}

export function behave(
  { connection }: Peer,
  behavior: Partial<Behavior>,
): void {
  Object.assign(connection.behavior, WORKS, behavior);
}

/** Whether a call goes through. The store has to know within 200 ms. */
export async function admits(
  { store }: Peer,
  model: string = MODEL,
): Promise<boolean> {
  const startedAt = Date.now();
  const { admit } = await store.admit(model);
  assertLessOrEqual(Date.now() - startedAt, 200, "it took too long");
  return admit;
}

export function fail(
  { store }: Peer,
  model: string = MODEL,
): Promise<void> | undefined {
  return store.report(model, "failure", overloaded());
}

/** What is stored, as a process sees it that has just started. */
export async function stored(
  database: Database,
  options?: SharedHealthOptions,
) {
  return (await openPeer(database, options).store.snapshot())[0];
}

/** The stores that are shared through a database. */
export const SHARED_STORES: readonly SharedStoreKind[] = [
  {
    name: "kvHealth",
    isIdempotent: false,
    makeDatabase: () => new FakeKv(),
  },
  {
    name: "redisHealth",
    isIdempotent: true,
    makeDatabase: () => new FakeRedis(),
  },
];
