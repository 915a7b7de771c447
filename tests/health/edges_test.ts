import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { edgeCases } from "./_edges.ts";

for (const { name, run } of edgeCases({ kvHealth, memoryHealth })) {
  Deno.test({ name: `R21 ${name}`, permissions: "none", fn: run });
}
