/**
 * The gateway as a server.
 *
 * @module
 */

import { assertOptions, assertSignal } from "../_shared/arguments.ts";
import { gateway } from "../gateway/gateway.ts";
import { logCalls } from "../gateway/log_calls.ts";
import type { GatewayOptions } from "../gateway/options.ts";
import { isLoopback, loopbackOnly } from "./_loopback.ts";
import { resolveConfig } from "./_resolve_config.ts";
import type { ServeConfig } from "./config.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /** Stops the server. Answers that are on their way are finished. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Writes one line for each call.
   *
   * @default {console.log}
   */
  readonly write?: ((line: string) => unknown) | undefined;
}

/** A server that {@linkcode serve} has started. */
export interface RunningServer {
  /** Where it listens, for instance `"http://127.0.0.1:8787"`. */
  readonly url: string;
  /** Resolves when it has stopped. */
  readonly finished: Promise<void>;
}

/**
 * Starts a gateway from a configuration. Strings that are wholly `$NAME` are read
 * from the environment, in `keys`, `apiKey` and the values of `headers` only; a
 * literal `$` at the start is written `$$`. Needs Deno.
 *
 * Without `keys` it listens on this machine only, and refuses web pages from
 * elsewhere.
 *
 * @param config The configuration.
 * @param options How it is stopped, and where the log goes.
 * @returns The server, once it listens.
 *
 * @example Usage
 * ```ts
 * import { serve } from "@fallback/stream/serve";
 * import { assertEquals } from "@std/assert";
 *
 * const stop = new AbortController();
 * const server = await serve({
 *   models: { chat: [{ provider: "ollama", model: "llama3.2" }] },
 *   port: 0,
 * }, { signal: stop.signal });
 *
 * const response = await fetch(`${server.url}/health`);
 * assertEquals(await response.json(), { status: "ok" });
 * stop.abort();
 * await server.finished;
 * ```
 *
 * @throws {TypeError} If the configuration is wrong or a variable is not set. It
 * names the place, and shows no value from the environment.
 */
export async function serve(
  config: ServeConfig,
  options: ServeOptions = {},
): Promise<RunningServer> {
  assertOptions("options", options, { signal: true, write: true });
  assertSignal(options.signal);
  const { options: chains, hasKeys, host, port } = resolveConfig(
    config,
    (name) => Deno.env.get(name),
  );
  return await listen(chains, { ...options, hasKeys, host, port });
}

/** Where and for whom a gateway listens. */
export interface ListenOptions extends ServeOptions {
  readonly hasKeys: boolean;
  readonly host: string;
  readonly port: number;
}

/** Starts a server for checked options. */
export function listen(
  chains: Pick<
    GatewayOptions,
    "models" | "authorize" | "fallback" | "maxTokens"
  >,
  { hasKeys, host, port, signal, write }: ListenOptions,
): Promise<RunningServer> {
  if (!hasKeys && !isLoopback(host)) {
    throw new TypeError(
      `'host' must be this machine's own unless there are access keys ('keys'): current value is ${
        JSON.stringify(host)
      }`,
    );
  }
  const handler = handlerOf({ ...chains, onCall: logCalls({ write }) });
  return new Promise((resolve) => {
    const server = Deno.serve({
      hostname: host,
      port,
      ...(signal && { signal }),
      onListen: ({ hostname, port }) => {
        const name = hostname.includes(":") ? `[${hostname}]` : hostname;
        const url = `http://${name}:${port}`;
        // `server` is assigned only after this.
        queueMicrotask(() => resolve({ url, finished: server.finished }));
      },
    }, hasKeys ? handler : loopbackOnly(handler));
  });
}

/** The errors of the options as the file spells them. */
function handlerOf(options: GatewayOptions): ReturnType<typeof gateway> {
  try {
    return gateway(options);
  } catch (error) {
    const { message } = error as Error;
    throw new TypeError(message.replaceAll("options.", ""));
  }
}
