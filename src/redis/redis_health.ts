/**
 * Circuits in Redis or Valkey.
 *
 * @module
 */

import { assertArgument } from "../_shared/arguments.ts";
import {
  SHARED_OPTION_NAMES,
  type SharedHealth,
  sharedHealth,
  type SharedHealthOptions,
} from "../health/shared_health.ts";
import { RedisBackend } from "./_redis_backend.ts";

/**
 * Sends a command to the server: one line with any client.
 *
 * @param args The name of the command and its arguments. The first key is at
 * index 3, for clients that route by it.
 * @returns The reply of the server.
 */
export type RedisSend = (args: readonly string[]) => PromiseLike<unknown>;

/** Options of {@linkcode redisHealth}. */
export interface RedisHealthOptions extends SharedHealthOptions {
  /**
   * The prefix of the keys, in braces: `{fallback-stream}:v1`. Stores with
   * different prefixes share nothing.
   *
   * @default {"fallback-stream"}
   */
  prefix?: string | undefined;
}

/** The store that {@linkcode redisHealth} returns. */
export type RedisHealth = SharedHealth;

/**
 * Makes a store of circuits in Redis 5 or newer, or in Valkey, with the same
 * rules as `memoryHealth` of `./health`. A script in the server changes the
 * circuits, so that processes never conflict: every report counts once,
 * whatever the connection does, and one probe goes out across all processes.
 * Errors and latency of the server fail no call: until it recovers, each
 * process uses its local copy.
 *
 * Listen to the errors of the client, and turn its offline queue off: npm
 * `redis` without an `error` listener ends the process when the server goes
 * away, and with the queue every call waits 200 ms once per `cacheMs`.
 *
 * @param send Sends a command. With npm `redis` it is
 * `(args) => client.sendCommand([...args])`, with `ioredis` and `iovalkey`
 * `([name, ...rest]) => client.call(name!, ...rest)`, with Bun's own client
 * `([name, ...rest]) => client.send(name!, rest)`.
 * @param options When a circuit opens and for how long, and where it is kept.
 * @returns The store. Share one among all calls of a process.
 *
 * @example A client that cannot be reached fails no call
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { redisHealth } from "@fallback/stream/redis";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const health = redisHealth(() => Promise.reject(new Error("no connection")));
 * const models = [fakeModel("a", ["Hello"])];
 * await using stream = await fallbackStream(models, "hi", { health });
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind, or an option unknown.
 * @throws {RangeError} If `isFailure` is an empty list.
 * @throws {RangeError} If a number or the prefix is out of range.
 */
export function redisHealth(
  send: RedisSend,
  options: RedisHealthOptions = {},
): RedisHealth {
  assertArgument(
    typeof send === "function",
    "send",
    "be a function that sends a command, such as (args) => client.sendCommand([...args])",
    send,
  );
  return sharedHealth(
    options,
    { ...SHARED_OPTION_NAMES, prefix: true },
    (resolved) => {
      const { prefix = "fallback-stream" } = options;
      const expected = "be a non-empty string without braces";
      const isString = typeof prefix === "string";
      assertArgument(isString, "options.prefix", expected, prefix);
      // In a Redis cluster, the text in the first braces selects a key's slot.
      const isTag = /^[^{}]+$/.test(prefix) && prefix.isWellFormed();
      assertArgument(isTag, "options.prefix", expected, prefix, RangeError);
      return new RedisBackend(send, prefix, resolved);
    },
  );
}
