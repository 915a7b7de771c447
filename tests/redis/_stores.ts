// Runs the script on a real server with the time of the test: the script is changed
// so that it reads the time from a key.

import { redisHealth, type RedisSend } from "@fallback/stream/redis";
import { SCRIPT } from "../../src/redis/_script.ts";
import type { StoreGroup } from "../health/_check.ts";
import type { Settings } from "../health/_reference.ts";

const STORES = 3;

/**
 * Changes the script so that it reads the time from a key, and nothing expires.
 *
 * @param source The script that is run, which may be a mutant.
 */
export function withStoppedClock(
  send: RedisSend,
  source = SCRIPT,
): RedisSend {
  return async (args) => {
    if (args[0] === "EVALSHA") throw new Error("NOSCRIPT");
    const now = Date.now();
    await send(["HSET", "clock", "s", `${Math.floor(now / 1000)}`]);
    await send(["HSET", "clock", "us", `${now % 1000 * 1000}`]);
    const script = source
      .replace("redis.call('TIME')", "redis.call('HMGET', 'clock', 's', 'us')")
      .replace("redis.call('PEXPIRE', KEYS[1],", "tostring(")
      .replace(/,\s+'PX',[^\n]+/, ")");
    return await send(["EVAL", script, ...args.slice(2)]);
  };
}

/** Stores without a cache over one server; each group has its own keys. */
export function openRedis(send: RedisSend): (settings: Settings) => StoreGroup {
  let groups = 0;
  return (settings) => {
    const prefix = `group-${++groups}`;
    return {
      stores: Array.from(
        { length: STORES },
        () => redisHealth(send, { ...settings, prefix, cacheMs: 0 }),
      ),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };
}
