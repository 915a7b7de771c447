import { assert, assertEquals } from "@std/assert";
import { providerAttributes } from "../../src/otel/_providers.ts";
import { PROVIDERS } from "../../src/serve/_providers.ts";
import { isLoopback } from "../../src/serve/_loopback.ts";

/** Providers that telemetry calls by another name than a configuration. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  gemini: "gcp.gemini",
  mistral: "mistral_ai",
  moonshot: "moonshot_ai",
  xai: "x_ai",
};

/** Providers without a name in the conventions, so that their host is sent. */
const HOSTS_ONLY: ReadonlySet<string> = new Set([
  "openrouter",
  "together",
  "fireworks",
  "cerebras",
]);

for (const [name, { baseURL, keyName, model }] of Object.entries(PROVIDERS)) {
  Deno.test(`the provider "${name}" has an address that telemetry knows, and what it needs`, () => {
    const { protocol, hostname } = new URL(baseURL);
    if (isLoopback(hostname)) {
      assertEquals([protocol, keyName, model], ["http:", undefined, undefined]);
      return;
    }
    assertEquals(protocol, "https:");
    assertEquals(
      providerAttributes(hostname)["gen_ai.provider.name"],
      HOSTS_ONLY.has(name) ? hostname : OTHER_NAMES[name] ?? name,
    );
    assertEquals(keyName, `${name.toUpperCase()}_API_KEY`);
    assert(model !== undefined && model !== "");
  });
}
