// A Deno KV in memory, with latency and failures that the tests set.

import {
  kvHealth,
  type KvStore,
  type KvTransaction,
} from "@fallback/stream/kv";
import type { KvKeyPart } from "@fallback/stream/kv";
import {
  type Behavior,
  type Connection,
  type Database,
  request,
  type Traffic,
  WORKS,
} from "../health/_database.ts";

type Key = readonly KvKeyPart[];

/** A value that was stored, and when. */
export interface Write {
  readonly at: number;
  readonly key: Key;
  readonly value: unknown;
  readonly expireIn: number | undefined;
}

interface Entry {
  readonly key: Key;
  readonly value: unknown;
  readonly versionstamp: string;
  readonly expiresAt: number;
}

/** What all connections share. */
export class FakeKv implements Database {
  readonly writes: Write[] = [];
  readonly #entries = new Map<string, Entry>();
  #version = 0;

  get(key: Key): Entry | undefined {
    const entry = this.#entries.get(nameOf(key));
    return entry && Date.now() < entry.expiresAt ? entry : undefined;
  }

  /** All entries that have not expired, by key. */
  entries(): Entry[] {
    return [...this.#entries.keys()].sort()
      .map((name) => this.#entries.get(name)!)
      .filter(({ expiresAt }) => Date.now() < expiresAt);
  }

  set(key: Key, value: unknown, expireIn?: number): void {
    const at = Date.now();
    this.writes.push({ at, key, value: structuredClone(value), expireIn });
    this.#entries.set(nameOf(key), {
      key,
      value: structuredClone(value),
      versionstamp: `${++this.#version}`,
      expiresAt: at + (expireIn ?? Infinity),
    });
  }

  connect(given: Partial<Behavior> = {}): Connection & KvStore {
    const behavior: Behavior = { ...WORKS, ...given };
    const traffic: Traffic = { reads: 0, writes: 0, open: 0, mostOpen: 0 };
    const connection: Connection & KvStore = {
      behavior,
      traffic,
      open: (options, prefix) =>
        kvHealth(connection, { ...options, ...prefix && { prefix: [prefix] } }),
      get: (key) =>
        request(connection, false, () => {
          const { value = null, versionstamp = null } = this.get(key) ?? {};
          return { value: structuredClone(value), versionstamp };
        }),
      list: ({ prefix }) => this.#list(connection, prefix),
      atomic: () => new Transaction(this, connection),
    };
    return connection;
  }

  async *#list(connection: Connection, prefix: Key) {
    const entries = await request(connection, false, () => this.entries());
    for (const { key, value } of entries) {
      const isBelow = key.length > prefix.length &&
        nameOf(key.slice(0, prefix.length)) === nameOf(prefix);
      if (isBelow) yield { key, value: structuredClone(value) };
    }
  }
}

class Transaction implements KvTransaction {
  readonly #kv: FakeKv;
  readonly #connection: Connection;
  readonly #checks: { key: Key; versionstamp: string | null }[] = [];
  readonly #sets: { key: Key; value: unknown; expireIn?: number }[] = [];

  constructor(kv: FakeKv, connection: Connection) {
    this.#kv = kv;
    this.#connection = connection;
  }

  check(version: { key: Key; versionstamp: string | null }): this {
    this.#checks.push(version);
    return this;
  }

  set(key: Key, value: unknown, options?: { expireIn: number }): this {
    this.#sets.push({ key, value: structuredClone(value), ...options });
    return this;
  }

  commit(): Promise<{ ok: boolean }> {
    return request(this.#connection, true, () => {
      const isCurrent = this.#checks.every(({ key, versionstamp }) =>
        (this.#kv.get(key)?.versionstamp ?? null) === versionstamp
      );
      const conflict = this.#connection.behavior.conflict();
      if (conflict === "locked") throw new TypeError("database is locked");
      if (!isCurrent || conflict) return { ok: false };
      for (const { key, value, expireIn } of this.#sets) {
        this.#kv.set(key, value, expireIn);
      }
      return { ok: true };
    });
  }
}

/** The key as text. As in Deno KV, all lone surrogates are equal. */
function nameOf(key: Key): string {
  return JSON.stringify(
    key.map((part) =>
      part instanceof Uint8Array
        ? ["bytes", ...part]
        : [typeof part, String(part).toWellFormed()]
    ),
  );
}
