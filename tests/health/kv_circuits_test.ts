import { kvHealth } from "@fallback/stream/kv";
import { assertEquals } from "@std/assert";
import { sharedViolation } from "./_check.ts";
import { inDenoKv, inFakeKv, memoryMs } from "./_worlds.ts";

Deno.test({
  name:
    "R21 in 2,500 random sequences isolates over one KV are like one circuit",
  permissions: "none",
  fn: async () => {
    const runs = { runs: 2500, seed: 20_262 };
    const found = await sharedViolation(inFakeKv({ kvHealth }), runs, memoryMs);
    assertEquals(found, undefined, found);
  },
});

// Deno KV drops what has expired whenever it likes, by the real clock: here
// nothing is forgotten.
Deno.test("R21 isolates over a real Deno KV are like one circuit", async () => {
  const runs = { runs: 60, seed: 20_263 };
  const never = () => Infinity;
  const found = await sharedViolation(inDenoKv({ kvHealth }), runs, never);
  assertEquals(found, undefined, found);
});
