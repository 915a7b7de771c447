// Circuits in Deno KV: one key per model, changed by atomic check-and-set.

import { delay } from "@std/async/delay";
import { messageOf } from "../_shared/error_text.ts";
import {
  type Circuit,
  clampTimes,
  currentTime,
  describeCircuits,
  reduce,
  retentionMs,
} from "../health/_circuit.ts";
import type {
  CircuitSnapshot,
  ResolvedCircuitOptions,
} from "../health/circuit_options.ts";
import { decodeCircuit } from "../health/_decode_circuit.ts";
import { decodeName, encodeName } from "../health/_model_key.ts";
import type {
  Batch,
  CircuitBackend,
  PendingEvent,
} from "../health/_circuit_backend.ts";
import type { KvKeyPart, KvStore } from "./kv_store.ts";

/**
 * The version of the format. It is in the key, so that processes of different
 * versions have circuits of their own instead of overwriting each other's.
 */
const VERSION = "v1";

/** For how long a transaction is tried when others are faster, in milliseconds. */
const COMMIT_RETRY_MS = 4000;
/** The longest pause before it is tried again, in milliseconds. */
const MAX_PAUSE_MS = 20;

/** The circuits in a Deno KV. */
export class KvBackend implements CircuitBackend {
  readonly maxEvents = 1000;
  /** A commit without an answer may or may not have been applied. */
  readonly isIdempotent = false;
  readonly #kv: KvStore;
  readonly #prefix: readonly KvKeyPart[];
  readonly #options: ResolvedCircuitOptions;
  /** Events of batches that failed for other models only. */
  readonly #stored = new WeakSet<PendingEvent>();

  constructor(
    kv: KvStore,
    prefix: readonly KvKeyPart[],
    options: ResolvedCircuitOptions,
  ) {
    this.#kv = kv;
    this.#prefix = [...prefix, VERSION];
    this.#options = options;
  }

  async exchange(
    models: ReadonlySet<string>,
    batch: Batch | undefined,
  ): Promise<ReadonlyMap<string, Circuit>> {
    const eventsOf = Map.groupBy(batch?.events ?? [], ({ model }) => model);
    const names = new Set([...models, ...eventsOf.keys()]);
    const circuits = new Map<string, Circuit>();
    const results = await Promise.allSettled(
      Array.from(names, async (model) => {
        const unstored = (eventsOf.get(model) ?? [])
          .filter((event) => !this.#stored.has(event));
        circuits.set(model, await this.#update(model, unstored));
        for (const event of unstored) this.#stored.add(event);
      }),
    );
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
    }
    return circuits;
  }

  async snapshot(): Promise<readonly CircuitSnapshot[]> {
    const prefix = this.#prefix;
    const circuits = new Map<string, Circuit>();
    for await (const { key, value } of this.#kv.list({ prefix })) {
      const model = decodeName(key.at(-1));
      // A store with a longer prefix has longer keys.
      if (key.length !== prefix.length + 1 || model === undefined) continue;
      circuits.set(model, decodeCircuit(value));
    }
    return describeCircuits(circuits, this.#options);
  }

  /** Applies events to a stored circuit, again if others were faster. */
  async #update(
    model: string,
    events: readonly PendingEvent[],
  ): Promise<Circuit> {
    const key = [...this.#prefix, encodeName(model)];
    const deadline = Date.now() + COMMIT_RETRY_MS;
    do {
      const { value, versionstamp } = await this.#kv.get(key);
      const now = currentTime();
      const before = clampTimes(
        decodeCircuit(value),
        now,
        this.#options,
        Math.min(now, ...events.map(({ at }) => at)),
      );
      const { after, counted } = this.#applyAll(before, events);
      const isDone = after === before ||
        await this.#commit(key, versionstamp, after);
      if (isDone) {
        for (const event of events) event.counted = counted.has(event);
        return after;
      }
      await delay(Math.random() * MAX_PAUSE_MS);
    } while (Date.now() < deadline);
    throw new Error(`Other processes were faster for ${COMMIT_RETRY_MS} ms`);
  }

  #applyAll(circuit: Circuit, events: readonly PendingEvent[]) {
    const counted = new Set<PendingEvent>();
    for (const event of events) {
      const before = circuit;
      circuit = reduce(circuit, event, this.#options);
      if (circuit !== before) counted.add(event);
    }
    return { after: circuit, counted };
  }

  async #commit(
    key: readonly KvKeyPart[],
    versionstamp: string | null,
    circuit: Circuit,
  ): Promise<boolean> {
    try {
      const { ok } = await this.#kv.atomic()
        .check({ key, versionstamp })
        .set(key, circuit, { expireIn: retentionMs(this.#options) })
        .commit();
      return ok;
    } catch (error) {
      // SQLite throws where another process has just been faster.
      if (/locked|busy/i.test(messageOf(error))) return false;
      throw error;
    }
  }
}
