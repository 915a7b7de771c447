// Where isolates live: stores without a cache over one KV, a fake or a real one.

import type { KvStore } from "@fallback/stream/kv";
import { FakeKv } from "./_fake_kv.ts";
import type { World } from "./_check.ts";
import type { Settings } from "./_reference.ts";
import type { Subject } from "./_subject.ts";

type Enter = (settings: Settings) => World | Promise<World>;
type KvOnly = Pick<Subject, "kvHealth">;

const ISOLATES = 3;

/** How long a circuit in the KV is kept after its last change. */
export function memoryMs({ windowMs, maxCooldownMs }: Settings): number {
  return windowMs + 2 * maxCooldownMs;
}

/** Isolates over a fake KV that never makes anybody wait. */
export function inFakeKv({ kvHealth }: KvOnly): Enter {
  return (settings) => {
    const kv = new FakeKv();
    return {
      stores: Array.from(
        { length: ISOLATES },
        () => kvHealth(kv.connect(), { ...settings, cacheMs: 0 }),
      ),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };
}

/** Isolates over a real Deno KV in memory. */
export function inDenoKv({ kvHealth }: KvOnly): Enter {
  return async (settings) => {
    const kv = await Deno.openKv(":memory:");
    return {
      stores: Array.from(
        { length: ISOLATES },
        () => kvHealth(unexpiring(kv), { ...settings, cacheMs: 0 }),
      ),
      [Symbol.asyncDispose]: () => Promise.resolve(kv.close()),
    };
  };
}

/** A KV by whose real clock nothing expires while the clock is stopped. */
function unexpiring(kv: Deno.Kv): KvStore {
  return {
    get: (key) => kv.get(key),
    list: (selector) => kv.list(selector),
    atomic() {
      const transaction = kv.atomic();
      return {
        check(version) {
          transaction.check({ ...version, key: [...version.key] });
          return this;
        },
        set(key, value) {
          transaction.set(key, value);
          return this;
        },
        commit: () => transaction.commit(),
      };
    },
  };
}
