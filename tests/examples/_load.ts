// The function of the example as a process of its own, so that what is measured
// is the server alone. It says where it is and what it holds; when nothing more
// can be asked, it has to end by itself.

import { setImmediate } from "node:timers";
import { openaiModel } from "@fallback/stream/openai";
import { createHandler } from "../../examples/deploy/handler.ts";
import { serveCommands } from "../_child_process.ts";
import { watchTimers } from "../../src/testing/_timers.ts";

declare const gc: () => void;

/** What the server is told first. */
export interface LoadSettings {
  /** Where the providers are, by name. */
  readonly providers: Readonly<Record<string, string>>;
  readonly timeouts: {
    readonly firstContentMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
}

/** What the server holds when nobody asks it anything. */
export interface Held {
  /** Bytes, after the garbage was collected. */
  readonly heap: number;
  readonly rss: number;
  /** Timers that have neither fired nor been cleared. */
  readonly timers: number;
  /** Answers that have not come to their end. */
  readonly answering: number;
  /** The most that there were at once. */
  readonly mostAnswering: number;
  /** Rejections that nobody handled. */
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
    // Each is the first for a third of the requests.
    models: () => {
      const first = requests++ % models.length;
      return [...models.slice(first), ...models.slice(0, first)];
    },
  });

  let answering = 0;
  let mostAnswering = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request, { completed }) => {
      mostAnswering = Math.max(mostAnswering, ++answering);
      const settle = () => void answering--;
      completed.then(settle, settle);
      return await handle(request);
    },
  );
  const held = async (): Promise<Held> => {
    for (let i = 0; i < 3; i++) {
      // What the last turn has let go of is garbage only in the next.
      await new Promise((resolve) => void setImmediate(resolve));
      gc();
    }
    const { heapUsed: heap, rss } = Deno.memoryUsage();
    const timers = watch.pending.size;
    return { heap, rss, timers, answering, mostAnswering, unhandled };
  };
  await serveCommands({ port: () => server.addr.port, held });
  await server.shutdown();
}
