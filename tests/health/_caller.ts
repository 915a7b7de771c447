// A process that makes calls and shares its circuits with others.

import { fallbackStream, type HealthStore } from "@fallback/stream";
import type { SharedHealthOptions } from "@fallback/stream/kv";
import { openaiModel } from "@fallback/stream/openai";
import { serveCommands } from "../_child_process.ts";
import { openPlace, type Place } from "./_place.ts";

/** What a process that makes calls needs to know. */
export interface CallerSettings {
  readonly name: string;
  readonly place: Place;
  /** Where the models are, best first. */
  readonly baseURLs: readonly string[];
  readonly options: SharedHealthOptions;
}

/** What became of a call. */
export interface Call {
  readonly startedAt: number;
  /** What became of each model. */
  readonly outcomes: readonly string[];
  /** The longest that `admit()` took, in milliseconds. */
  readonly admitMs: number;
}

if (import.meta.main) {
  const settings: CallerSettings = JSON.parse(Deno.args[0]!);
  const { name, place, baseURLs, options } = settings;
  await using store = await openPlace(place, options);
  const models = baseURLs.map((baseURL, i) =>
    openaiModel({ model: `model-${i + 1}`, baseURL })
  );
  const call = async (): Promise<Call> => {
    const startedAt = Date.now();
    let admitMs = 0;
    const health: HealthStore = {
      ...store.health,
      async admit(model) {
        const askedAt = performance.now();
        const answer = await store.health.admit(model);
        admitMs = Math.max(admitMs, performance.now() - askedAt);
        return answer;
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
