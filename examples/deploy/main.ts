// The gateway with its playground, for Deno Deploy, or for this machine with
// `deno task serve`.
//
// Each of these keys adds a real provider: OPENAI_API_KEY (with OPENAI_BASE_URL
// and OPENAI_MODEL), GROQ_API_KEY, MISTRAL_API_KEY. Without any, fakes answer.
// FAKE_BACKUPS=1 puts the fakes after the real providers.
//
// Every call costs money with real providers. So other machines may call only if
// ACCESS_KEYS is set, to one or more keys with commas between them. MAX_TOKENS
// (2,000) limits an answer, MAX_CONCURRENT (100) the calls at once. There is no
// limit per visitor.

import type { HealthStore } from "@fallback/stream";
import { bearerKeys, logCalls } from "@fallback/stream/gateway";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { localOnly } from "./_local_only.ts";
import { modelsOf, realProviders } from "./_providers.ts";
import { createHandler } from "./handler.ts";

const setting = (name: string) => Deno.env.get(name)?.trim() || undefined;
const real = realProviders(setting);
const isReal = real.length > 0;
const keys = setting("ACCESS_KEYS");

if (isReal && !keys && setting("DENO_DEPLOYMENT_ID")) {
  throw new Error("Set ACCESS_KEYS: anyone could spend your providers' money");
}

/** With fakes, a circuit opens and closes while a visitor watches. */
const circuits = isReal
  ? {}
  : { failureThreshold: 2, cooldownMs: 12_000, maxCooldownMs: 12_000 };

/** In Deno KV all isolates share the circuits. Some platforms have none. */
async function health(): Promise<HealthStore> {
  if (typeof Deno.openKv === "function") {
    try {
      return kvHealth(await Deno.openKv(), circuits);
    } catch (error) {
      console.warn(
        "Without Deno KV, each isolate has its own circuits:",
        error,
      );
    }
  }
  return memoryHealth(circuits);
}

const handler = createHandler({
  models: modelsOf(real, { withFakes: setting("FAKE_BACKUPS") === "1" }),
  page: await Deno.readTextFile(new URL("index.html", import.meta.url)),
  health: await health(),
  timeouts: isReal
    ? { firstContentMs: 30_000, idleMs: 30_000, totalMs: 300_000 }
    : { firstContentMs: 1_800, idleMs: 2_500, totalMs: 60_000 },
  authorize: keys ? bearerKeys(keys) : undefined,
  maxTokens: Number(setting("MAX_TOKENS") ?? 2_000),
  maxConcurrent: Number(setting("MAX_CONCURRENT") ?? 100),
  onCall: logCalls(),
});

const fetch = isReal && !keys
  ? localOnly(handler)
  : (request: Request) => handler(request);

export default { fetch };
