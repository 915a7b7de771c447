// Stores without a cache over one KV, a fake or a real one.

import { kvHealth, type KvStore } from "@fallback/stream/kv";
import type { StoreGroup } from "../health/_check.ts";
import type { Settings } from "../health/_reference.ts";
import { FakeKv } from "./_fake_kv.ts";

const STORES = 3;

/** Stores over a fake KV without latency. */
export function openFakeKv(settings: Settings): StoreGroup {
  const kv = new FakeKv();
  return {
    stores: Array.from(
      { length: STORES },
      () => kvHealth(kv.connect(), { ...settings, cacheMs: 0 }),
    ),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Stores over a real Deno KV in memory. */
export async function openDenoKv(settings: Settings): Promise<StoreGroup> {
  const kv = await Deno.openKv(":memory:");
  return {
    stores: Array.from(
      { length: STORES },
      () => kvHealth(withoutExpiry(kv), { ...settings, cacheMs: 0 }),
    ),
    [Symbol.asyncDispose]: () => Promise.resolve(kv.close()),
  };
}

/** A KV where nothing expires: it uses the real clock, which tests cannot set. */
function withoutExpiry(kv: Deno.Kv): KvStore {
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
