// A process that makes calls and shares its circuits with others.

import { fallbackStream, type HealthStore } from "@fallback/stream";
import type { SharedHealthOptions } from "@fallback/stream/kv";
import { openaiModel } from "@fallback/stream/openai";
import { serveCommands } from "../_child_process.ts";
import { type DatabaseAddress, openStoreAt } from "./_database_address.ts";

/** The settings of the process. */
export interface CallWorkerSettings {
  readonly name: string;
  readonly address: DatabaseAddress;
  /** The base URLs of the models, in order of preference. */
  readonly baseURLs: readonly string[];
  readonly options: SharedHealthOptions;
}

/** The result of a call. */
export interface Call {
  readonly startedAt: number;
  /** The outcome of each attempt. */
  readonly outcomes: readonly string[];
  /** The longest that `admit()` took, in milliseconds. */
  readonly admitMs: number;
}

if (import.meta.main) {
  const settings: CallWorkerSettings = JSON.parse(Deno.args[0]!);
  const { name, address, baseURLs, options } = settings;
  await using store = await openStoreAt(address, options);
  const models = baseURLs.map((baseURL, i) =>
    openaiModel({ model: `model-${i + 1}`, baseURL })
  );
  const call = async (): Promise<Call> => {
    const startedAt = Date.now();
    let admitMs = 0;
    const health: HealthStore = {
      ...store.health,
      async admit(model) {
        const admitStartedAt = performance.now();
        const admission = await store.health.admit(model);
        admitMs = Math.max(admitMs, performance.now() - admitStartedAt);
        return admission;
      },
    };
    // The server counts by the field `user`.
    const request = { messages: [{ role: "user", content: "hi" }], user: name };
    await using stream = await fallbackStream(models, request, { health });
    await Array.fromAsync(stream);
    const outcomes = stream.attempts.map(({ outcome }) => outcome);
    return { startedAt, outcomes, admitMs };
  };
  await serveCommands({
    ready: () => {},
    call: (count: number) => Promise.all(Array.from({ length: count }, call)),
  });
}
