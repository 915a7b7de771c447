import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { troubleCases } from "./_trouble.ts";

for (const { name, run } of troubleCases({ kvHealth, memoryHealth })) {
  Deno.test({ name: `R21 ${name}`, permissions: "none", fn: run });
}
