// Where the circuits of several processes are: a SQLite file or a Redis server.

import { kvHealth, type SharedHealth } from "@fallback/stream/kv";
import type { SharedHealthOptions } from "@fallback/stream/kv";
import { redisHealth } from "@fallback/stream/redis";
import { type Child, start } from "../_child_process.ts";
import { connect } from "../redis/_client.ts";

/** A database, as a process is told of it. */
export type Place = { readonly path: string } | { readonly port: number };

/** A store that is closed when it is disposed of. */
export interface OpenStore extends AsyncDisposable {
  readonly health: SharedHealth;
}

/** Opens a store over the database. */
export async function openPlace(
  place: Place,
  options: SharedHealthOptions,
): Promise<OpenStore> {
  if ("path" in place) {
    const kv = await Deno.openKv(place.path);
    return {
      health: kvHealth(kv, options),
      [Symbol.asyncDispose]: () => Promise.resolve(kv.close()),
    };
  }
  const client = await connect(place.port);
  return {
    health: redisHealth(client.send, options),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Starts one of the programs of this folder. */
export function startProgram(program: string, settings: unknown): Child {
  const url = new URL(program, import.meta.url);
  const flags = ["--allow-net=127.0.0.1", "--allow-read", "--allow-write"];
  return start(url, settings, { flags, timeoutMs: 120_000 });
}
