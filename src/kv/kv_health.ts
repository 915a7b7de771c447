/**
 * Circuits in Deno KV.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { assertArgument, parseDelay } from "../_shared/arguments.ts";
import { messageOf } from "../_shared/error_text.ts";
import type { Admission, HealthReport, HealthStore } from "../types/health.ts";
import {
  admission,
  type Circuit,
  type CircuitEvent,
  clampRetryAt,
  CLOSED,
  describe,
  reduce,
} from "../health/_circuit.ts";
import {
  type CircuitOptions,
  type CircuitSnapshot,
  parseCircuitOptions,
  type ResolvedCircuitOptions,
  toCircuitEvent,
} from "../health/circuit_options.ts";

/** A part of a key: what `Deno.KvKeyPart` is. */
export type KvKeyPart = Uint8Array | string | number | bigint | boolean;

/**
 * What is needed of a `Deno.Kv`. It is described here, so that the types do not
 * depend on an unstable API, and other clients of Deno KV do as well.
 */
export interface KvStore {
  /**
   * Reads one value.
   *
   * @param key Where the value is.
   * @returns The value and its version.
   */
  get(key: readonly KvKeyPart[]): Promise<{
    /** What is stored, or `null`. */
    value: unknown;
    /** Which version that is, or `null` if nothing is stored. */
    versionstamp: string | null;
  }>;
  /**
   * Reads all values whose keys begin with a prefix.
   *
   * @param selector The prefix.
   * @returns The values with their keys.
   */
  list(selector: { prefix: readonly KvKeyPart[] }): AsyncIterable<{
    /** The whole key. */
    key: readonly unknown[];
    /** What is stored. */
    value: unknown;
  }>;
  /**
   * Begins a transaction.
   *
   * @returns The transaction, which does nothing until its `commit()`.
   */
  atomic(): KvTransaction;
}

/** What is needed of a `Deno.AtomicOperation`. */
export interface KvTransaction {
  /**
   * Lets the transaction fail if a value is of another version.
   *
   * @param version Where the value is, and the version that was read.
   */
  check(version: {
    /** Where the value is. */
    key: readonly KvKeyPart[];
    /** The version that was read. */
    versionstamp: string | null;
  }): this;
  /**
   * Stores a value, for `expireIn` milliseconds.
   *
   * @param key Where.
   * @param value What.
   * @param options For how long.
   */
  set(
    key: readonly KvKeyPart[],
    value: unknown,
    options: { expireIn: number },
  ): this;
  /**
   * Does all of it, or nothing if a check fails.
   *
   * @returns Whether it was done.
   */
  commit(): Promise<{ ok: boolean }>;
}

/** Options of {@linkcode kvHealth}. */
export interface KvHealthOptions extends CircuitOptions {
  /**
   * What the keys begin with; the model's name follows.
   *
   * @default {["fallback-stream", "health"]}
   */
  prefix?: readonly KvKeyPart[] | undefined;
  /**
   * For how long what was read is believed, in milliseconds. Where calls keep
   * coming it is read again in the background, after half of it.
   *
   * @default {1000}
   */
  cacheMs?: number | undefined;
}

/** What {@linkcode kvHealth} gives. */
export interface KvHealth extends HealthStore {
  /**
   * Whether a model may be asked now. It never rejects.
   *
   * @param model The model's name in the list.
   * @returns The answer: at once while what was read is fresh and no probe is
   * due, else within 200 ms.
   */
  admit(model: string): Admission | Promise<Admission>;
  /**
   * Counts what has become of a model.
   *
   * @param model The model's name in the list.
   * @param outcome What has become of the attempt.
   * @param error Why it failed.
   * @returns When it is stored, or could not be; nothing where there is nothing
   * to store yet. Nobody has to wait for it.
   *
   * @throws Whatever `isFailure` throws.
   */
  report(
    model: string,
    outcome: HealthReport,
    error?: unknown,
  ): Promise<void> | undefined;
  /**
   * The circuits of all models, as they are stored.
   *
   * @returns One entry per model, by name.
   *
   * @throws Whatever the KV throws.
   */
  snapshot(): Promise<readonly CircuitSnapshot[]>;
}

/** How long a call waits for the KV at most, in milliseconds. */
const PATIENCE_MS = 200;
/** After so long an exchange with the KV has failed, in milliseconds. */
const GIVE_UP_MS = 5000;
/** For how long a transaction is tried when others are faster, in milliseconds. */
const TRYING_MS = 4000;
/** The longest pause before it is tried again, and between two exchanges. */
const PAUSE_MS = 20;
/** How many words are kept for a KV that is in trouble. */
const MOST_UNSAID = 10_000;

/**
 * Makes a store of circuits in Deno KV, with the same rules as `memoryHealth`
 * of `./health`. Every change is an atomic check-and-set: no failure is lost
 * when many isolates report at once, and one probe goes out across all of
 * them. A KV that is slow, full, closed or throws fails no call: until it is
 * back, every isolate goes by what it knows itself.
 *
 * @param kv Where the circuits are kept: `await Deno.openKv()`. It is yours to
 * close.
 * @param options When a circuit opens and for how long, and where it is kept.
 * @returns The store. Share one among all calls of a process.
 *
 * @example A database in memory
 * ```ts
 * import { kvHealth } from "@fallback/stream/kv";
 * import { assertEquals } from "@std/assert";
 *
 * using kv = await Deno.openKv(":memory:");
 * const health = kvHealth(kv, { failures: 1 });
 * await health.report("gpt", "failure", new Error("overloaded"));
 * assertEquals((await health.admit("gpt")).admit, false);
 * assertEquals((await health.snapshot())[0]!.state, "open");
 * ```
 *
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If `isFailure` is empty.
 * @throws {RangeError} If a number is out of range.
 */
export function kvHealth(kv: KvStore, options: KvHealthOptions = {}): KvHealth {
  assertArgument(typeof kv?.atomic === "function", "kv", "be a Deno.Kv", kv);
  const rules = parseCircuitOptions(options);
  const { prefix = ["fallback-stream", "health"], cacheMs = 1000 } = options;
  parseDelay("cacheMs", cacheMs);
  assertArgument(
    Array.isArray(prefix),
    "prefix",
    "be an array of key parts",
    prefix,
  );
  const models = new Map<string, SharedCircuit>();
  const circuitOf = (model: string) => {
    let circuit = models.get(model);
    if (!circuit) {
      circuit = new SharedCircuit(kv, [...prefix, model], rules, cacheMs);
      models.set(model, circuit);
    }
    return circuit;
  };
  return {
    admit: (model) => circuitOf(model).admit(),
    report: (model, outcome, error) =>
      circuitOf(model).report(toCircuitEvent(outcome, error, rules)),
    async snapshot() {
      const entries = await Array.fromAsync(kv.list({ prefix }));
      const now = Date.now();
      return entries
        // Another store may have a longer prefix.
        .filter(({ key }) => key.length === prefix.length + 1)
        .map(({ key, value }) =>
          describe(String(key.at(-1)), decode(value, now, rules), now, rules)
        );
    },
  };
}

/** A word, and whether it has changed the circuit that it was last told to. */
interface Message extends CircuitEvent {
  counted: boolean;
}

/** A circuit in the KV, and what is known of it here. */
class SharedCircuit {
  readonly #kv: KvStore;
  readonly #key: readonly KvKeyPart[];
  readonly #rules: ResolvedCircuitOptions;
  readonly #cacheMs: number;
  /** What was read last, and what was said here since. */
  #known = CLOSED;
  #readAt = -Infinity;
  /** What the KV has not been told yet. */
  readonly #unsaid: Message[] = [];
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(
    kv: KvStore,
    key: readonly KvKeyPart[],
    rules: ResolvedCircuitOptions,
    cacheMs: number,
  ) {
    this.#kv = kv;
    this.#key = key;
    this.#rules = rules;
    this.#cacheMs = cacheMs;
  }

  admit(): Admission | Promise<Admission> {
    const now = Date.now();
    if (!this.#isYoungerThan(this.#cacheMs, now)) {
      return this.#admitAfterwards();
    }
    const busy = this.#running ?? this.#next;
    if (!busy && !this.#isYoungerThan(this.#cacheMs / 2, now)) this.#exchange();
    const answer = admission(this.#known, now);
    return answer === "probe" ? this.#admitAfterwards() : answer;
  }

  async #admitAfterwards(): Promise<Admission> {
    const deadline = Date.now() + PATIENCE_MS;
    if (!this.#isYoungerThan(this.#cacheMs)) {
      await within(PATIENCE_MS, this.#exchange());
      // Nobody else has to wait for it, should it be slow.
      this.#readAt = Date.now();
    }
    const answer = this.#admission();
    if (answer !== "probe") return answer;
    const probe = this.#say({ type: "probe", at: Date.now() });
    await within(deadline - Date.now(), this.#exchange());
    if (probe?.counted) return { admit: true };
    // Somebody else was faster; nobody is let through on the strength of both.
    const now = this.#admission();
    return now === "probe" ? { admit: false, retryAt: Date.now() } : now;
  }

  report(word: CircuitEvent): Promise<void> | undefined {
    const before = this.#known.state;
    if (!this.#say(word)) return undefined;
    // One success more of a model that is up goes with the next exchange.
    const canWait = word.type === "success" && this.#known.state === before;
    return canWait ? undefined : this.#exchange();
  }

  #isYoungerThan(ms: number, now = Date.now()): boolean {
    const age = now - this.#readAt;
    return age >= 0 && age < ms;
  }

  #admission(): Admission | "probe" {
    return admission(this.#known, Date.now());
  }

  /** Takes a word in; what it returns is to be told to the KV. */
  #say(word: CircuitEvent): Message | undefined {
    const message = { ...word, counted: false };
    this.#known = this.#tell(this.#known, [message]);
    // Where what is known is out of date, it may count all the same.
    const mayCount = word.type === "failure" &&
      !this.#isYoungerThan(this.#cacheMs);
    if (!message.counted && !mayCount) return undefined;
    this.#unsaid.push(message);
    return message;
  }

  #tell(circuit: Circuit, messages: readonly Message[]): Circuit {
    for (const message of messages) {
      const before = circuit;
      circuit = reduce(circuit, message, this.#rules);
      message.counted = circuit !== before;
    }
    return circuit;
  }

  /** One exchange at a time: what is said during one goes with the next. */
  #exchange(): Promise<void> {
    return this.#next ??= this.#exchangeNext();
  }

  async #exchangeNext(): Promise<void> {
    // Whoever was faster lets the others have their turn.
    await this.#running?.then(pause);
    this.#next = undefined;
    await (this.#running = this.#exchangeNow());
  }

  /** Tells the KV what it has not been told, and hears what others have. Never rejects. */
  async #exchangeNow(): Promise<void> {
    const messages = this.#unsaid.splice(0);
    const storing = this.#store(messages).catch(() => null);
    const stored = await within(GIVE_UP_MS, storing);
    this.#readAt = Date.now();
    if (stored) this.#known = this.#tell(stored, this.#unsaid);
    // What failed is said again, though a commit may have lost its answer only:
    // a KV that is full would hear nothing else. What hangs is not: where it is
    // just slow, one failure would be told again and again.
    if (stored === null) this.#unsaid.unshift(...messages);
    this.#unsaid.splice(0, this.#unsaid.length - MOST_UNSAID);
    this.#running = undefined;
  }

  /** Says something to the circuit in the KV, again if others were faster. */
  async #store(messages: readonly Message[]): Promise<Circuit> {
    const key = this.#key;
    const deadline = Date.now() + TRYING_MS;
    do {
      const { value, versionstamp } = await this.#kv.get(key);
      const before = decode(value, Date.now(), this.#rules);
      const after = this.#tell(before, messages);
      if (after === before) return before;
      const { windowMs, maxCooldownMs } = this.#rules;
      const { ok } = await this.#kv.atomic()
        .check({ key, versionstamp })
        .set(key, encode(after), { expireIn: windowMs + 2 * maxCooldownMs })
        .commit()
        .catch(isLocked);
      if (ok) return after;
      await pause();
    } while (Date.now() < deadline);
    throw new Error(`others were faster for ${TRYING_MS} ms`);
  }
}

/** What is stored says of which kind it is: others may be older, or newer. */
const VERSION = 1;

function encode(circuit: Circuit): unknown {
  return { version: VERSION, circuit };
}

function decode(
  value: unknown,
  now: number,
  rules: ResolvedCircuitOptions,
): Circuit {
  const { version, circuit } = Object(value);
  const isCircuit = version === VERSION &&
    (Array.isArray(circuit?.window) || Number.isFinite(circuit?.retryAt));
  return isCircuit ? clampRetryAt(circuit, now, rules) : CLOSED;
}

/** SQLite throws where another process has just been faster. */
function isLocked(error: unknown): { ok: false } {
  if (/locked|busy/i.test(messageOf(error))) return { ok: false };
  throw error;
}

/** Long enough for others, and for each of them another time. */
function pause(): Promise<void> {
  return delay(Math.random() * PAUSE_MS);
}

/** What `work` comes to, or nothing if that takes longer than `ms`. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
