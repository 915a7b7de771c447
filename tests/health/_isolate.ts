// A process that makes fall-back calls and shares a SQLite file with others, as
// the isolates of an app share a database.

import { fallbackStream } from "@fallback/stream";
import { kvHealth, type KvHealthOptions } from "@fallback/stream/kv";
import { openaiModel } from "@fallback/stream/openai";
import { type Child, obey, start } from "../_child.ts";

/** Starts one of the programs of this folder. */
export function startIsolate(program: string, settings: unknown): Child {
  const url = new URL(program, import.meta.url);
  const flags = ["--allow-net=127.0.0.1", "--allow-read", "--allow-write"];
  return start(url, settings, { flags, stuckMs: 30_000 });
}

/** What a process that makes calls is told first. */
export interface CallerSettings {
  readonly name: string;
  /** The SQLite file. */
  readonly path: string;
  /** Where the models are, best first. */
  readonly baseUrls: readonly string[];
  readonly health: KvHealthOptions;
}

/** What became of a call. */
export interface Call {
  readonly startedAt: number;
  /** What became of each model. */
  readonly outcomes: readonly string[];
}

if (import.meta.main) {
  const settings: CallerSettings = JSON.parse(Deno.args[0]!);
  const { name, path, baseUrls } = settings;
  using kv = await Deno.openKv(path);
  const health = kvHealth(kv, settings.health);
  const models = baseUrls.map((baseURL, i) =>
    openaiModel({ model: `model-${i + 1}`, baseURL })
  );
  const call = async (): Promise<Call> => {
    const startedAt = Date.now();
    // The server counts by this field.
    const request = { messages: [{ role: "user", content: "hi" }], user: name };
    await using stream = await fallbackStream(models, request, { health });
    await Array.fromAsync(stream);
    return { startedAt, outcomes: stream.attempts.map((it) => it.outcome) };
  };
  await obey({
    ready: () => {},
    call: (count: number) => Promise.all(Array.from({ length: count }, call)),
  });
}
