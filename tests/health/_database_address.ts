// The database that several processes share: a SQLite file or a Redis server.

import { kvHealth, type SharedHealth } from "@fallback/stream/kv";
import type { SharedHealthOptions } from "@fallback/stream/kv";
import { redisHealth } from "@fallback/stream/redis";
import { type Child, startChild } from "../_child_process.ts";
import { connect } from "../redis/_client.ts";

/** The address of a database, as it is passed to a process. */
export type DatabaseAddress = { readonly path: string } | {
  readonly port: number;
};

/** A store that is closed when it is disposed of. */
export interface OpenStore extends AsyncDisposable {
  readonly health: SharedHealth;
}

/** Opens a store over the database at the address. */
export async function openStoreAt(
  address: DatabaseAddress,
  options: SharedHealthOptions,
): Promise<OpenStore> {
  if ("path" in address) {
    const kv = await Deno.openKv(address.path);
    return {
      health: kvHealth(kv, options),
      [Symbol.asyncDispose]: () => Promise.resolve(kv.close()),
    };
  }
  const client = await connect(address.port);
  return {
    health: redisHealth(client.send, options),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Starts one of the programs of this folder. */
export function startProgram(program: string, settings: unknown): Child {
  const url = new URL(program, import.meta.url);
  const flags = ["--allow-net=127.0.0.1", "--allow-read", "--allow-write"];
  return startChild(url, settings, { flags, timeoutMs: 120_000 });
}
