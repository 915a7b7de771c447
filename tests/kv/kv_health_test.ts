import { assertEquals } from "@std/assert";
import { retentionMs, sharedViolation } from "../health/_check.ts";
import { test } from "../_test_without_permissions.ts";
import { openDenoKv, openFakeKv } from "./_stores.ts";

test("kvHealth() does what the reference does in 1,500 random sequences of three isolates (R21)", async () => {
  const runs = { runs: 1500, seed: 20_262 };
  const found = await sharedViolation(openFakeKv, runs, retentionMs);
  assertEquals(found, undefined, found);
});

// Deno KV uses the real clock for expiry, so nothing expires in this test.
Deno.test("kvHealth() does what the reference does over a real Deno KV (R21)", async () => {
  const runs = { runs: 60, seed: 20_263 };
  const found = await sharedViolation(openDenoKv, runs, () => Infinity);
  assertEquals(found, undefined, found);
});
