import { assertEquals } from "@std/assert";
import { retentionMs, sharedViolation } from "../health/_check.ts";
import { connect } from "./_client.ts";
import { testWithServer } from "./_server.ts";
import { openRedis, withStoppedClock } from "./_stores.ts";

testWithServer(
  "redisHealth() does what the reference does in 100 random sequences of three processes (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const runs = { runs: 100, seed: 20_264 };
    const found = await sharedViolation(
      openRedis(withStoppedClock(client.send)),
      runs,
      retentionMs,
    );
    assertEquals(found, undefined, found);
  },
);
