// Circuits that many processes share through a database, and a local copy of
// them: when it is fresh enough to be used, how long a call waits for the
// database, and what happens without it. The backends (`./kv`, `./redis`)
// store the circuits.
//
// The local copy is a write-behind cache. An event is applied to it at once and
// queued; one exchange at a time sends the queue and reads what others stored.

import { delay } from "@std/async/delay";
import { ignoreErrors } from "../_shared/ignore_errors.ts";
import { withTimeout } from "../_shared/with_timeout.ts";
import type { Admission } from "../types/health.ts";
import {
  admission,
  type Circuit,
  type CircuitEvent,
  clampTimes,
  CLOSED,
  currentTime,
  probe,
  reduce,
} from "./_circuit.ts";
import type {
  Batch,
  CircuitBackend,
  PendingEvent,
} from "./_circuit_backend.ts";
import type { ResolvedCircuitOptions } from "./circuit_options.ts";

/** How long a call waits for the database, in milliseconds. */
const ADMIT_TIMEOUT_MS = 200;
/** After this long an exchange has failed, in milliseconds. */
export const EXCHANGE_TIMEOUT_MS = 5000;
/** The longest pause between two exchanges, in milliseconds. */
const MAX_PAUSE_MS = 20;
/** How many events are queued while the database is down. */
const MAX_PENDING_EVENTS = 10_000;

const NONE: ReadonlySet<string> = new Set();

/** The time of what has not happened yet. */
const NEVER = -Infinity;

/** The local state of one model. */
interface Entry {
  circuit: Circuit;
  /** When it was read, in milliseconds since the epoch. */
  readAt: number;
}

/** The circuits of all models of one store. */
export class SharedCircuits {
  readonly #backend: CircuitBackend;
  readonly #options: ResolvedCircuitOptions;
  readonly #cacheMs: number;
  readonly #onError: (error: unknown) => unknown;
  readonly #entries = new Map<string, Entry>();
  /** Models to read with the next exchange. */
  #requested = new Set<string>();
  /** Events of no batch yet, oldest first. */
  readonly #pending: PendingEvent[] = [];
  /** The batch that has been sent and not been confirmed. */
  #batch: Batch | undefined;
  #batches = 0;
  /** The exchange that is running, and what it reads. */
  #running: { models: ReadonlySet<string>; done: Promise<void> } | undefined;
  #next: Promise<void> | undefined;
  /** The last time that a call waited in vain. */
  #timedOutAt = NEVER;
  /** The last time that an exchange was refused. */
  #refusedAt = NEVER;

  constructor(
    backend: CircuitBackend,
    options: ResolvedCircuitOptions,
    cacheMs: number,
    onError: (error: unknown) => unknown,
  ) {
    this.#backend = backend;
    this.#options = options;
    this.#cacheMs = cacheMs;
    this.#onError = onError;
  }

  /** Reads the models of a call together, unless they are fresh. */
  prepare(models: readonly string[]): void {
    const now = Date.now();
    const old = models.filter((model) => !this.#isFresh(model, now, 0.5));
    this.#requestAll(old, now);
  }

  admit(model: string): Admission | Promise<Admission> {
    const now = currentTime();
    const mustRead = !this.#isFresh(model, now) && !this.#isAlone(now);
    if (mustRead) return this.#admitLater(model);
    if (!this.#isFresh(model, now, 0.5)) this.#requestAll([model], now);
    const answer = this.#admission(model);
    if (answer !== "probe") return answer;
    if (!this.#isAlone(now)) return this.#admitLater(model);
    this.#record(model, probe(now));
    if (!this.#isRefused(now)) this.#exchange();
    return { admit: true };
  }

  /** @returns When the event is stored or could not be stored. */
  report(model: string, event: CircuitEvent): Promise<void> | undefined {
    const before = this.#entryOf(model).circuit.state;
    const isQueued = this.#record(model, event) !== undefined;
    const isUrgent = event.type !== "success" ||
      this.#entryOf(model).circuit.state !== before;
    // A report that is not urgent waits for the next exchange.
    return isQueued && isUrgent && !this.#isRefused(Date.now())
      ? this.#exchange()
      : undefined;
  }

  async #admitLater(model: string): Promise<Admission> {
    const deadline = Date.now() + ADMIT_TIMEOUT_MS;
    if (!this.#isFresh(model, Date.now())) {
      await this.#waitUntil(deadline, this.#read(model));
    }
    const answer = this.#admission(model);
    if (answer !== "probe") return answer;
    const now = currentTime();
    const claim = this.#record(model, probe(now));
    if (!this.#isRefused(now)) {
      await this.#waitUntil(deadline, this.#exchange());
    }
    // Without an answer, the local copy decides: it has counted the claim.
    if (claim?.counted) return { admit: true };
    const afterwards = this.#admission(model);
    // Another process has taken the probe.
    return afterwards === "probe"
      ? { admit: false, retryAt: currentTime() }
      : afterwards;
  }

  /** Waits for an exchange. If it is slow, later calls do not wait for `cacheMs`. */
  async #waitUntil(deadline: number, exchange: Promise<void>): Promise<void> {
    const done = exchange.then(() => true);
    // In a process that was busy, the timer may run before an answer that has
    // arrived earlier; a second timer lets the answer through.
    const isDone = await withTimeout(done, deadline - Date.now()) ??
      await withTimeout(done, 0);
    if (!isDone) this.#timedOutAt = Date.now();
  }

  /** Whether the model was read less than a part of `cacheMs` ago. */
  #isFresh(model: string, now: number, part = 1): boolean {
    return isWithin(this.#entryOf(model).readAt, this.#cacheMs * part, now);
  }

  /** Whether the local copy is used without waiting for the database. */
  #isAlone(now: number): boolean {
    return isWithin(this.#timedOutAt, this.#cacheMs, now) ||
      this.#isRefused(now);
  }

  /** Whether the database has just refused an exchange, so that it is left alone. */
  #isRefused(now: number): boolean {
    return isWithin(this.#refusedAt, this.#cacheMs, now);
  }

  #entryOf(model: string): Entry {
    let entry = this.#entries.get(model);
    if (!entry) {
      entry = { circuit: CLOSED, readAt: NEVER };
      this.#entries.set(model, entry);
    }
    return entry;
  }

  #admission(model: string): Admission | "probe" {
    const now = currentTime();
    const { circuit } = this.#entryOf(model);
    return admission(clampTimes(circuit, now, this.#options), now);
  }

  /** Applies an event to the local copy. @returns The event if it is queued. */
  #record(model: string, event: CircuitEvent): PendingEvent | undefined {
    const pending: PendingEvent = { ...event, model, counted: false };
    const entry = this.#entryOf(model);
    const circuit = clampTimes(entry.circuit, event.at, this.#options);
    entry.circuit = this.#apply(circuit, pending);
    // The stored circuit may count what an outdated copy does not.
    const mayCount = event.type === "failure" &&
      !this.#isFresh(model, Date.now());
    if (!pending.counted && !mayCount) return undefined;
    this.#pending.push(pending);
    if (this.#pending.length > MAX_PENDING_EVENTS) this.#pending.shift();
    return pending;
  }

  #apply(circuit: Circuit, event: PendingEvent): Circuit {
    const after = reduce(circuit, event, this.#options);
    event.counted = after !== circuit;
    return after;
  }

  /** Reads models in the background, unless an exchange is on its way. */
  #requestAll(models: readonly string[], now: number): void {
    if (this.#isAlone(now)) return;
    for (const model of models) {
      if (!this.#running?.models.has(model)) this.#requested.add(model);
    }
    if (this.#requested.size > 0) this.#exchange();
  }

  /** When a model has been read; by the running exchange if it does that. */
  #read(model: string): Promise<void> {
    if (this.#running?.models.has(model)) return this.#running.done;
    this.#requested.add(model);
    return this.#exchange();
  }

  /** Runs one exchange at a time. Requests meanwhile join the next one. */
  #exchange(): Promise<void> {
    return this.#next ??= this.#exchangeNext();
  }

  async #exchangeNext(): Promise<void> {
    // The random pause lets other processes have their turn.
    if (this.#running) await this.#running.done.then(pause);
    await undefined; // so that all models of a call are read together
    this.#next = undefined;
    const models = this.#requested;
    this.#requested = new Set();
    const done = this.#sendAll(models);
    this.#running = { models, done };
    await done;
  }

  /** Sends the pending events, in as many batches as needed. Never rejects. */
  async #sendAll(models: ReadonlySet<string>): Promise<void> {
    const last = this.#pending.at(-1);
    const stored = new Map<string, Circuit>();
    try {
      do {
        const circuits = await this.#sendBatch(stored.size ? NONE : models);
        if (!circuits) return;
        for (const [model, circuit] of circuits) stored.set(model, circuit);
      } while (last && this.#pending.includes(last));
    } catch (error) {
      this.#refusedAt = Date.now();
      ignoreErrors(() => this.#onError(error));
    } finally {
      this.#store(stored);
      this.#running = undefined;
    }
  }

  async #sendBatch(
    models: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, Circuit> | undefined> {
    const { maxEvents, isIdempotent } = this.#backend;
    if (!this.#batch && this.#pending.length > 0) {
      const events = this.#pending.splice(0, maxEvents);
      this.#batch = { number: ++this.#batches, events };
    }
    const exchange = this.#backend.exchange(models, this.#batch);
    const circuits = await withTimeout(exchange, EXCHANGE_TIMEOUT_MS);
    // A batch that was refused is sent again as it was. So is one without an
    // answer, if that cannot make it count twice.
    if (circuits || !isIdempotent) this.#batch = undefined;
    if (!circuits) {
      this.#timedOutAt = Date.now();
      ignoreErrors(() => this.#onError(noAnswer()));
    }
    return circuits;
  }

  /** Replaces the local copy by the stored state plus the pending events. */
  #store(circuits: ReadonlyMap<string, Circuit>): void {
    const now = Date.now();
    for (const [model, circuit] of circuits) {
      const entry = this.#entryOf(model);
      entry.circuit = circuit;
      entry.readAt = now;
    }
    for (const event of this.#pending) {
      if (!circuits.has(event.model)) continue;
      const entry = this.#entryOf(event.model);
      entry.circuit = this.#apply(entry.circuit, event);
    }
  }
}

/** Whether `at` is less than `ms` ago. A time of the future is not. */
function isWithin(at: number, ms: number, now: number): boolean {
  const age = now - at;
  return age >= 0 && age < ms;
}

function pause(): Promise<void> {
  return delay(Math.random() * MAX_PAUSE_MS);
}

/** The error for a database that has not answered in time. */
export function noAnswer(): Error {
  return new Error(`No answer within ${EXCHANGE_TIMEOUT_MS} ms`);
}
