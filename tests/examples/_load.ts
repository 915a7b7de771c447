// Serves the example's handler in a separate process, so that only the server is
// measured. It has commands for its port and its state. When stdin is closed, the
// process has to exit by itself.

import { setImmediate } from "node:timers";
import { openaiModel } from "@fallback/stream/openai";
import { createHandler } from "../../examples/deploy/handler.ts";
import { serveCommands } from "../_child_process.ts";
import { watchTimers } from "../../src/testing/_timers.ts";

declare const gc: () => void;

/** The settings of the server. */
export interface LoadSettings {
  /** The base URLs of the providers, by name. */
  readonly providers: Readonly<Record<string, string>>;
  readonly timeouts: {
    readonly firstContentMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
}

/** What the server holds at a moment. */
export interface ServerState {
  /** In bytes, after a garbage collection. */
  readonly heap: number;
  readonly rss: number;
  /** Timers that have neither fired nor been cleared. */
  readonly timers: number;
  /** Responses that have not ended. */
  readonly active: number;
  /** The maximum of `active` so far. */
  readonly maxActive: number;
  /** Unhandled rejections. */
  readonly unhandled: readonly string[];
}

if (import.meta.main) {
  const settings: LoadSettings = JSON.parse(Deno.args[0]!);
  using watch = watchTimers();
  const unhandled: string[] = [];
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    unhandled.push(String(event.reason));
  });

  const models = Object.entries(settings.providers).map(([model, baseURL]) =>
    openaiModel({ model, baseURL })
  );
  let requests = 0;
  const handle = createHandler({
    timeouts: settings.timeouts,
    maxConcurrent: 2000,
    // Each model is the first for a third of the requests.
    models: () => {
      const first = requests++ % models.length;
      return [...models.slice(first), ...models.slice(0, first)];
    },
  });

  let active = 0;
  let maxActive = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request, { completed }) => {
      maxActive = Math.max(maxActive, ++active);
      const settle = () => void active--;
      completed.then(settle, settle);
      return await handle(request);
    },
  );
  const state = async (): Promise<ServerState> => {
    for (let i = 0; i < 3; i++) {
      // Objects that were released in this turn are collected only in the next.
      await new Promise((resolve) => void setImmediate(resolve));
      gc();
    }
    const { heapUsed: heap, rss } = Deno.memoryUsage();
    const timers = watch.pending.size;
    return { heap, rss, timers, active, maxActive, unhandled };
  };
  await serveCommands({ port: () => server.addr.port, state });
  await server.shutdown();
}
