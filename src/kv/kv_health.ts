/**
 * Circuits in Deno KV.
 *
 * @module
 */

import { assertArgument, assertMethods } from "../_shared/arguments.ts";
import {
  SHARED_OPTION_NAMES,
  type SharedHealth,
  sharedHealth,
  type SharedHealthOptions,
} from "../health/shared_health.ts";
import { KvBackend } from "./_kv_backend.ts";
import type { KvKeyPart, KvStore } from "./kv_store.ts";

/** Options of {@linkcode kvHealth}. */
export interface KvHealthOptions extends SharedHealthOptions {
  /**
   * The prefix of the keys. The version of the format and the name of the
   * model follow.
   *
   * @default {["fallback-stream", "health"]}
   */
  prefix?: readonly KvKeyPart[] | undefined;
}

/** The store that {@linkcode kvHealth} returns. */
export type KvHealth = SharedHealth;

/**
 * Makes a store of circuits in Deno KV, with the same rules as `memoryHealth`
 * of `./health`. Every change is an atomic check-and-set: no failure is lost
 * when many isolates report at once, and one probe goes out across all of
 * them. Errors and latency of the KV fail no call: until it recovers, each
 * isolate uses its local copy.
 *
 * @param kv Where the circuits are kept: `await Deno.openKv()`. Closing it is up
 * to the caller.
 * @param options When a circuit opens and for how long, and where it is kept.
 * @returns The store. Share one among all calls of a process.
 *
 * @example A database in memory
 * ```ts
 * import { kvHealth } from "@fallback/stream/kv";
 * import { assertEquals } from "@std/assert";
 *
 * using kv = await Deno.openKv(":memory:");
 * const health = kvHealth(kv, { failureThreshold: 1 });
 * await health.report("gpt", "failure", new Error("overloaded"));
 * assertEquals((await health.admit("gpt")).admit, false);
 * assertEquals((await health.snapshot())[0]!.state, "open");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind, or an option unknown.
 * @throws {RangeError} If `isFailure` is an empty list.
 * @throws {RangeError} If a number is out of range.
 */
export function kvHealth(kv: KvStore, options: KvHealthOptions = {}): KvHealth {
  assertArgument(kv !== undefined, "kv", "be a Deno.Kv", kv);
  assertMethods("kv", kv, "a Deno.Kv", "get", "list", "atomic");
  return sharedHealth(
    options,
    { ...SHARED_OPTION_NAMES, prefix: true },
    (resolved) => {
      const { prefix = ["fallback-stream", "health"] } = options;
      assertArgument(
        Array.isArray(prefix),
        "options.prefix",
        "be an array of key parts",
        prefix,
      );
      return new KvBackend(kv, prefix, resolved);
    },
  );
}
