import { kvHealth } from "@fallback/stream/kv";
import { crowdCases } from "./_crowd.ts";

for (const { name, run } of crowdCases({ kvHealth }, 100)) {
  Deno.test({ name: `R21 ${name}`, permissions: "none", fn: run });
}
