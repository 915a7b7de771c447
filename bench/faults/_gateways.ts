// The gateways that are compared, each as a server on this machine.

import { gateway } from "@fallback/stream/gateway";
import { memoryHealth } from "@fallback/stream/health";
import { openaiModel } from "@fallback/stream/openai";
import { delay } from "@std/async/delay";
import type { Timing } from "./_faults.ts";

/** The base URLs of the providers of one fault. */
export interface Providers {
  readonly primary: string;
  readonly fallback: string;
  readonly healthy: string;
}

/** One way to reach the providers of a fault. */
export interface Route extends AsyncDisposable {
  readonly url: string;
  /** Headers for a call through the chain, and for one that only needs a healthy provider. */
  readonly headers: Record<"chain" | "healthy", Record<string, string>>;
}

/** A gateway under test. */
export interface Gateway extends AsyncDisposable {
  readonly name: string;
  open(providers: Providers, timing: Timing): Route;
}

/** This library's gateway, which continues truncated answers. */
export function ours(): Gateway {
  return {
    name: "@fallback/stream",
    open({ primary, fallback, healthy }, { factor }) {
      const model = (name: string, baseURL: string) =>
        openaiModel({ model: name, baseURL, apiKey: "sk-provider-key" });
      const handler = gateway({
        models: {
          chain: [model("primary", primary), model("fallback", fallback)],
          healthy: [model("healthy", healthy)],
        },
        authorize: "anyone",
        continueCutAnswers: true,
        fallback: {
          timeouts: { firstContentMs: 8000 / factor, idleMs: 8000 / factor },
          health: memoryHealth({
            cooldownMs: 10_000 / factor,
            maxCooldownMs: 15_000 / factor,
          }),
        },
      });
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        handler,
      );
      return {
        url: `http://127.0.0.1:${server.addr.port}/v1`,
        headers: { chain: {}, healthy: {} },
        [Symbol.asyncDispose]: () => server.shutdown(),
      };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const PACKAGES = {
  "@portkey-ai/gateway": "1.15.2",
  "hono": "4.10.4",
  "@hono/node-server": "1.13.8",
};

/** Portkey's gateway: installed from npm into a folder of its own, run by Node. */
export async function portkey(): Promise<Gateway> {
  const folder = await Deno.makeTempDir({ prefix: "faults_" });
  await Deno.writeTextFile(
    `${folder}/package.json`,
    JSON.stringify({
      private: true,
      dependencies: PACKAGES,
      overrides: PACKAGES,
    }),
  );
  await run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts"],
    folder,
  );
  const port = freePort();
  const child = new Deno.Command("node", {
    args: [
      "node_modules/@portkey-ai/gateway/build/start-server.js",
      "--headless",
      `--port=${port}`,
    ],
    cwd: folder,
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url);
  return {
    name: "Portkey 1.15.2",
    open({ primary, fallback, healthy }, { factor }) {
      const target = (model: string, custom_host: string) => ({
        provider: "openai",
        api_key: "sk-provider-key",
        custom_host,
        override_params: { model },
        retry: { attempts: 2, use_retry_after_headers: true },
        request_timeout: 8000 / factor,
      });
      const config = (targets: object[]) => ({
        "x-portkey-config": JSON.stringify({
          strategy: { mode: "fallback" },
          targets,
        }),
      });
      return {
        url: `${url}/v1`,
        headers: {
          chain: config([
            target("primary", primary),
            target("fallback", fallback),
          ]),
          healthy: config([target("healthy", healthy)]),
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function run(
  command: string,
  args: string[],
  cwd: string,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilReady(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await (await fetch(url)).body?.cancel();
      return;
    } catch {
      await delay(200);
    }
  }
  throw new Error(`${url} does not answer`);
}
