// A Deno KV in memory whose every trouble is scripted: how long it takes, what
// fails, and in which of the ways in which a database can fail. Each isolate
// has its own connection to what all of them share.

import type { KvKeyPart, KvStore, KvTransaction } from "@fallback/stream/kv";

type Key = readonly KvKeyPart[];

/** What a connection does with a request, besides doing it. */
export type Trouble =
  | "none"
  | "rejects" // every request
  | "throws" // every request, synchronously, as on a closed KV
  | "full" // whatever is committed
  | "forgets the answer" // it is committed, and nobody is told
  | "silent"; // nothing is ever answered

/** How a connection behaves. It can be changed at any time. */
export interface Behaviour {
  trouble: Trouble;
  /** How long a request or an answer travels, in milliseconds. */
  latencyMs: () => number;
  /**
   * Whether a commit is told that somebody else was faster, though nobody was;
   * perhaps in the way in which SQLite says so.
   */
  conflict: () => boolean | "locked";
}

/** What a connection was asked. */
export interface Tally {
  gets: number;
  commits: number;
  /** Requests under way, and the most that ever were. */
  open: number;
  mostOpen: number;
}

/** One isolate's connection. */
export interface Connection extends KvStore {
  readonly behaviour: Behaviour;
  readonly tally: Tally;
}

/** Something that was stored, and when. */
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
export class FakeKv {
  readonly writes: Write[] = [];
  readonly #entries = new Map<string, Entry>();
  #version = 0;

  /** What is stored now, by the name of its key. */
  get(key: Key): Entry | undefined {
    const entry = this.#entries.get(nameOf(key));
    return entry && Date.now() < entry.expiresAt ? entry : undefined;
  }

  /** All keys that were ever written and have not expired. */
  entries(): Entry[] {
    return [...this.#entries.keys()].sort()
      .map((name) => this.#entries.get(name)!)
      .filter(({ expiresAt }) => Date.now() < expiresAt);
  }

  set(key: Key, value: unknown, expireIn?: number): void {
    const at = Date.now();
    const versionstamp = `${++this.#version}`;
    this.writes.push({ at, key, value: structuredClone(value), expireIn });
    this.#entries.set(nameOf(key), {
      key,
      value: structuredClone(value),
      versionstamp,
      expiresAt: at + (expireIn ?? Infinity),
    });
  }

  /** A connection without trouble, until its behaviour is changed. */
  connect(given: Partial<Behaviour> = {}): Connection {
    const behaviour: Behaviour = {
      trouble: "none",
      latencyMs: () => 0,
      conflict: () => false,
      ...given,
    };
    const tally: Tally = { gets: 0, commits: 0, open: 0, mostOpen: 0 };
    return {
      behaviour,
      tally,
      get: (key) => {
        tally.gets++;
        return request(behaviour, tally, () => {
          const { value = null, versionstamp = null } = this.get(key) ?? {};
          return { value: structuredClone(value), versionstamp };
        });
      },
      list: ({ prefix }) => this.#list(behaviour, tally, prefix),
      atomic: () => new Transaction(this, behaviour, tally),
    };
  }

  async *#list(behaviour: Behaviour, tally: Tally, prefix: Key) {
    const entries = await request(behaviour, tally, () => this.entries());
    for (const { key, value } of entries) {
      const isBelow = key.length > prefix.length &&
        nameOf(key.slice(0, prefix.length)) === nameOf(prefix);
      if (isBelow) yield { key, value: structuredClone(value) };
    }
  }
}

class Transaction implements KvTransaction {
  readonly #kv: FakeKv;
  readonly #behaviour: Behaviour;
  readonly #tally: Tally;
  readonly #checks: { key: Key; versionstamp: string | null }[] = [];
  readonly #sets: { key: Key; value: unknown; expireIn?: number }[] = [];

  constructor(kv: FakeKv, behaviour: Behaviour, tally: Tally) {
    this.#kv = kv;
    this.#behaviour = behaviour;
    this.#tally = tally;
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
    this.#tally.commits++;
    const behaviour = this.#behaviour;
    return request(behaviour, this.#tally, () => {
      if (behaviour.trouble === "full") throw new Error("the KV is full");
      const isCurrent = this.#checks.every(({ key, versionstamp }) =>
        (this.#kv.get(key)?.versionstamp ?? null) === versionstamp
      );
      const conflict = behaviour.conflict();
      if (conflict === "locked") throw new TypeError("database is locked");
      if (!isCurrent || conflict) return { ok: false };
      for (const { key, value, expireIn } of this.#sets) {
        this.#kv.set(key, value, expireIn);
      }
      if (behaviour.trouble === "forgets the answer") {
        throw new Error("the connection was lost");
      }
      return { ok: true };
    });
  }
}

/** There, done at once, and back. */
function request<T>(
  behaviour: Behaviour,
  tally: Tally,
  work: () => T,
): Promise<T> {
  const { trouble, latencyMs } = behaviour;
  if (trouble === "throws") throw new TypeError("the KV is closed");
  return (async () => {
    tally.mostOpen = Math.max(tally.mostOpen, ++tally.open);
    try {
      if (trouble === "silent") await new Promise<never>(() => {});
      await travel(latencyMs());
      if (trouble === "rejects") throw new Error("the KV is down");
      const result = work();
      await travel(latencyMs());
      return result;
    } finally {
      tally.open--;
    }
  })();
}

/** Without a timer where there is nothing to wait for. */
async function travel(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

function nameOf(key: Key): string {
  return JSON.stringify(
    key.map((part) =>
      part instanceof Uint8Array
        ? ["bytes", ...part]
        : [typeof part, String(part)]
    ),
  );
}
