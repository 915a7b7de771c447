// The configuration without a file.

import { PROVIDERS } from "./_providers.ts";
import type { ModelConfig, ServeConfig } from "./config.ts";
import type { Env } from "./_resolve_config.ts";

/** The variable with the access keys. */
const ACCESS_KEYS = "GATEWAY_KEYS";

/**
 * One chain of all providers whose key is in the environment.
 *
 * @throws {TypeError} If there is none. It names the variables.
 */
export function configFromEnv(env: Env): ServeConfig {
  const chat: ModelConfig[] = [];
  const names: string[] = [];
  for (const [provider, { keyName, model }] of Object.entries(PROVIDERS)) {
    if (keyName === undefined || model === undefined) continue;
    names.push(keyName);
    if (!env(keyName)?.trim()) continue;
    chat.push({ provider, model, apiKey: `$${keyName}` });
  }
  if (chat.length === 0) {
    throw new TypeError(
      `There is no model: give a configuration file, set one of ${
        names.join(", ")
      }, or use --demo`,
    );
  }
  return {
    ...(env(ACCESS_KEYS)?.trim() && { keys: [`$${ACCESS_KEYS}`] }),
    models: { chat },
    fallback: { timeouts: { firstContentMs: 15_000, idleMs: 30_000 } },
    health: true,
  };
}
