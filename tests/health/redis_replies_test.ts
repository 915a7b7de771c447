import { redisHealth } from "@fallback/stream/redis";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SCRIPT, SCRIPT_SHA1 } from "../../src/redis/_script.ts";

const MODEL = "gpt";

Deno.test("SCRIPT_SHA1 is the digest of the script", async () => {
  const bytes = new TextEncoder().encode(SCRIPT);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  assertEquals(digest.toHex(), SCRIPT_SHA1);
});

Deno.test("redisHealth().snapshot() rejects on a reply that the script never gives (R21)", async () => {
  for (const reply of [undefined, null, 5, {}, [], "OK", "1 -\nx y", "12"]) {
    const health = redisHealth(() => Promise.resolve(reply));
    await assertRejects(
      () => health.snapshot(),
      TypeError,
      "'send' must resolve to the reply of the server",
    );
    assert((await health.admit(MODEL)).admit);
  }
  const bytes = new TextEncoder().encode("5 -");
  const health = redisHealth(() => Promise.resolve(bytes));
  assertEquals(await health.snapshot(), []);
});
