// The chat for Deno Deploy, or on this machine: `deno task serve`.
//
// OPENAI_API_KEY (with OPENAI_BASE_URL and OPENAI_MODEL), GROQ_API_KEY and
// MISTRAL_API_KEY each add a real provider; without any, fakes answer.

import type { HealthStore } from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { modelsOf, realProviders } from "./_providers.ts";
import { createHandler } from "./handler.ts";

/** Soon enough for a visitor to see a circuit open and close again. */
const circuits = {
  failureThreshold: 2,
  cooldownMs: 12_000,
  maxCooldownMs: 12_000,
};

/** In Deno KV all isolates share what they know; some platforms have none. */
async function health(): Promise<HealthStore> {
  if (typeof Deno.openKv === "function") {
    try {
      return kvHealth(await Deno.openKv(), circuits);
    } catch (error) {
      console.warn("Without Deno KV, each isolate learns for itself:", error);
    }
  }
  return memoryHealth(circuits);
}

const real = realProviders((name) => Deno.env.get(name));

const handler = createHandler({
  models: modelsOf(real),
  page: await Deno.readTextFile(new URL("index.html", import.meta.url)),
  health: await health(),
  // Real models think longer than the fakes do.
  timeouts: real.length > 0
    ? { firstContentMs: 8_000, idleMs: 15_000, totalMs: 120_000 }
    : { firstContentMs: 1_800, idleMs: 2_500, totalMs: 60_000 },
});

export default { fetch: (request: Request) => handler(request) };
