// The script in a real server against the reference. The clock of the server is
// replaced by one that the test stops: the text of the script that is sent reads
// the time from a key.

import { redisHealth, type RedisSend } from "@fallback/stream/redis";
import { assertEquals } from "@std/assert";
import { retentionMs, sharedViolation, type World } from "../health/_check.ts";
import type { Settings } from "../health/_reference.ts";
import { connect } from "./_client.ts";
import { testWithServer } from "./_server.ts";

const STORES = 3;

/** Lets the script read the time from a key, and nothing expire. */
function withStoppedClock(send: RedisSend): RedisSend {
  return async (args) => {
    if (args[0] === "EVALSHA") throw new Error("NOSCRIPT");
    const now = Date.now();
    await send(["HSET", "clock", "s", `${Math.floor(now / 1000)}`]);
    await send(["HSET", "clock", "us", `${now % 1000 * 1000}`]);
    const script = args[1]!
      .replace("redis.call('TIME')", "redis.call('HMGET', 'clock', 's', 'us')")
      .replace("redis.call('PEXPIRE', KEYS[1],", "tostring(")
      .replace(/,\s+'PX',[^\n]+/, ")");
    return await send(["EVAL", script, ...args.slice(2)]);
  };
}

function open(send: RedisSend): (settings: Settings) => World {
  let worlds = 0;
  return (settings) => {
    const prefix = `world-${++worlds}`;
    return {
      stores: Array.from(
        { length: STORES },
        () => redisHealth(send, { ...settings, prefix, cacheMs: 0 }),
      ),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };
}

testWithServer(
  "redisHealth() does what the reference does in 600 random sequences of three processes (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const runs = { runs: 600, seed: 20_264 };
    const found = await sharedViolation(
      open(withStoppedClock(client.send)),
      runs,
      retentionMs,
    );
    assertEquals(found, undefined, found);
  },
);
