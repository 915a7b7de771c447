// A second implementation of the documented rules, to compare the stores with. It
// keeps each call separately, and shares no code with them.

import type { Admission } from "@fallback/stream";
import type { CircuitSnapshot } from "@fallback/stream/health";

/** The options, all of them. */
export interface Settings {
  readonly failureThreshold: number;
  readonly failureRateThreshold: number | undefined;
  readonly minimumThroughput: number;
  readonly windowMs: number;
  readonly cooldownMs: number;
  readonly maxCooldownMs: number;
  readonly maxRetryAfterMs: number;
}

/** A call that counts. */
interface Call {
  readonly failed: boolean;
  /** It counts until `windowMs` after this. */
  readonly since: number;
}

/** The circuits of all models. */
export class ReferenceStore {
  readonly #circuits = new Map<string, ReferenceCircuit>();
  readonly #settings: Settings;
  /** How long a circuit is kept after its last change, in milliseconds. */
  readonly #keepMs: number;

  constructor(settings: Settings, keepMs = Infinity) {
    this.#settings = settings;
    this.#keepMs = keepMs;
  }

  /** The circuit of a model, as it is at a time. */
  at(now: number, model: string): ReferenceCircuit {
    const circuit = this.#circuits.get(model);
    if (circuit && now - circuit.changedAt < this.#keepMs) return circuit;
    const fresh = new ReferenceCircuit(this.#settings);
    this.#circuits.set(model, fresh);
    return fresh;
  }

  snapshot(now: number): CircuitSnapshot[] {
    return [...this.#circuits.keys()].sort().flatMap((model) => {
      const circuit = this.at(now, model);
      // Stores keep no circuit of a model that never changed.
      return circuit.changedAt === -Infinity
        ? []
        : [{ model, ...circuit.describe(now) }];
    });
  }
}

/** The circuit of one model. */
class ReferenceCircuit {
  readonly #settings: Settings;
  changedAt = -Infinity;
  #open = false;
  /** While closed: the calls of the window. */
  #calls: Call[] = [];
  /** While open: */
  #retryAt = NaN;
  #probeExpiresAt: number | undefined;
  #failures = 0;
  #failedProbes = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  admit(now: number): Admission {
    if (!this.#open) return { admit: true };
    // A probe that has not reported expires after the cooldown.
    const retryAt = this.#probeExpiresAt ?? this.#retryAt;
    if (now < retryAt) return { admit: false, retryAt };
    this.#probeExpiresAt = now + this.#settings.cooldownMs;
    this.changedAt = now;
    return { admit: true };
  }

  success(now: number): void {
    if (!this.#open) {
      if (this.#settings.failureRateThreshold !== undefined) {
        this.#count(now, false);
      }
    } else {
      this.#open = false;
      this.#calls = [];
      this.#probeExpiresAt = undefined;
      this.changedAt = now;
    }
  }

  failure(now: number, retryAfterMs = 0): void {
    if (!this.#open) return this.#count(now, true, retryAfterMs);
    if (this.#probeExpiresAt !== undefined) {
      this.#probeExpiresAt = undefined;
      this.#failures++;
      this.#failedProbes++;
      this.#retryAt = now + this.#cooldown(retryAfterMs);
      this.changedAt = now;
    } else if (retryAfterMs > 0) {
      const requested = now + this.#clamped(retryAfterMs);
      if (requested <= this.#retryAt) return;
      this.#retryAt = requested;
      this.changedAt = now;
    }
  }

  released(now: number): void {
    if (this.#probeExpiresAt === undefined) return;
    this.#probeExpiresAt = undefined;
    this.#retryAt = now;
    this.changedAt = now;
  }

  describe(now: number): Omit<CircuitSnapshot, "model"> {
    if (!this.#open) {
      const failures = this.#recentCalls(now).filter(({ failed }) => failed);
      return { state: "closed", failures: failures.length };
    }
    const retryAt = this.#probeExpiresAt ?? this.#retryAt;
    const mayTry = this.#probeExpiresAt !== undefined || now >= retryAt;
    const state = mayTry ? "half-open" : "open";
    return { state, failures: this.#failures, retryAt };
  }

  #count(now: number, failed: boolean, retryAfterMs = 0): void {
    const {
      failureThreshold,
      failureRateThreshold,
      minimumThroughput,
      windowMs,
    } = this.#settings;
    this.changedAt = now;
    this.#calls = this.#recentCalls(now);
    const last = this.#calls.at(-1);
    const isClose = last && now - last.since < windowMs / 100;
    this.#calls.push({ failed, since: isClose ? last.since : now });
    const calls = this.#calls.length;
    const failing = this.#calls.filter((call) => call.failed).length;
    const areTooMany = failing >= failureThreshold;
    const isRateTooHigh = failureRateThreshold !== undefined &&
      calls >= minimumThroughput &&
      failing > 0 && failing / calls >= failureRateThreshold;
    if (!areTooMany && !isRateTooHigh && retryAfterMs <= 0) return;
    this.#open = true;
    this.#failures = failing;
    this.#failedProbes = 0;
    this.#retryAt = now + this.#cooldown(retryAfterMs);
  }

  #recentCalls(now: number): Call[] {
    const { windowMs } = this.#settings;
    return this.#calls.filter(({ since }) => now - since < windowMs);
  }

  #cooldown(retryAfterMs: number): number {
    if (retryAfterMs > 0) return this.#clamped(retryAfterMs);
    let ms = this.#settings.cooldownMs;
    for (let probe = 0; probe < this.#failedProbes; probe++) {
      ms = this.#limited(ms * 2);
    }
    return ms;
  }

  #limited(ms: number): number {
    return Math.min(ms, this.#settings.maxCooldownMs);
  }

  /** In whole milliseconds. */
  #clamped(retryAfterMs: number): number {
    return Math.ceil(Math.min(retryAfterMs, this.#settings.maxRetryAfterMs));
  }
}
