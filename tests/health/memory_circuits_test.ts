import { memoryHealth } from "@fallback/stream/health";
import { assertEquals } from "@std/assert";
import { memoryViolation } from "./_check.ts";

Deno.test({
  name:
    "R21 in 12,000 random sequences circuits in memory do what the rules say",
  permissions: "none",
  fn: () => {
    const runs = { runs: 12_000, seed: 20_261 };
    const found = memoryViolation({ memoryHealth }, runs);
    assertEquals(found, undefined, found);
  },
});
