/**
 * The gateway as a command:
 *
 * ```sh
 * deno run --allow-net --allow-env --allow-read=. jsr:@fallback/stream/serve fallback.json
 * ```
 *
 * The file has the chains as data:
 *
 * ```json
 * {
 *   "keys": ["$GATEWAY_KEYS"],
 *   "models": {
 *     "chat": [
 *       { "provider": "openai", "model": "gpt-4o", "apiKey": "$OPENAI_API_KEY" },
 *       { "provider": "ollama", "model": "llama3.2" }
 *     ]
 *   },
 *   "fallback": { "timeouts": { "firstContentMs": 8000, "idleMs": 20000 } },
 *   "health": true
 * }
 * ```
 *
 * Without a file it serves one chain, `chat`, of the providers whose keys are in
 * the environment. `--demo` serves fakes. It listens on 127.0.0.1 unless `--host`
 * says otherwise, and any other host needs access keys.
 *
 * ```ts
 * import { serve } from "@fallback/stream/serve";
 * import { assertRejects } from "@std/assert";
 *
 * // A configuration is checked before anything listens.
 * await assertRejects(() => serve({ models: {} }), Error, "models");
 * ```
 *
 * @module
 */

import { main } from "./_main.ts";

export type { ModelConfig, ServeConfig } from "./config.ts";
export { type RunningServer, serve, type ServeOptions } from "./serve.ts";

if (import.meta.main) await main(Deno.args);
