import { memoryHealth } from "@fallback/stream/health";
import { assertEquals } from "@std/assert";
import { test } from "../_pure.ts";
import { memoryViolation } from "./_check.ts";

test("memoryHealth() does what the reference does in 12,000 random sequences (R21)", () => {
  const found = memoryViolation(memoryHealth, { runs: 12_000, seed: 20_261 });
  assertEquals(found, undefined, found);
});
