// A circuit breaker as plain data: the state of one model, and a reducer that
// applies an event to it. It has no timer and no method, so it can be kept in
// memory or in a database, and an event can be applied again to a newer value
// after a conflict.
//
// Why not `CircuitBreaker` of @std/async or `RollingCounter` of
// @std/data-structures: the first runs the work itself, as one promise, whereas
// a stream reports when it commits and perhaps once more, and its state cannot
// be stored. The second is mutable and has no time. Both are unstable.
//
// The states are those of Nygard, "Release It!" (2007).

import type { Admission } from "../types/health.ts";
import type {
  CircuitSnapshot,
  ResolvedCircuitOptions,
} from "./circuit_options.ts";

/** The state of one model. */
export type Circuit = ClosedCircuit | OpenCircuit;

/** Calls go through. */
export interface ClosedCircuit {
  readonly state: "closed";
  /** The calls of the last `windowMs`, oldest first. */
  readonly window: readonly Slice[];
}

/** Calls are refused, except for one probe after each cooldown. */
export interface OpenCircuit {
  readonly state: "open";
  /** Everything is refused until then, in milliseconds since the epoch. */
  readonly retryAt: number;
  /** A probe is running. If it never reports, it expires at `retryAt`. */
  readonly probing: boolean;
  /** How many failures opened it and kept it open. */
  readonly failures: number;
  /** How many probes in a row have failed. */
  readonly failedProbes: number;
}

/** Calls that ended at about the same time. */
export interface Slice {
  /** When the first of them ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly calls: number;
  readonly failures: number;
}

/** Something that happened to a model. */
export interface CircuitEvent {
  readonly type: "probe" | "success" | "failure" | "released";
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
  /** How long the provider asks its clients to wait, in milliseconds; or 0. */
  readonly retryAfterMs: number;
}

/** The circuit of a model without any event. */
export const CLOSED: Circuit = { state: "closed", window: [] };

/** The window is counted in this many slices, so it is exact to one percent. */
export const SLICES = 100;

/** The time in whole milliseconds since the epoch: a fake clock may have fractions. */
export function currentTime(): number {
  return Math.floor(Date.now());
}

/** The event of a call that may go through to find out whether a model works. */
export function probe(at: number): CircuitEvent {
  return { type: "probe", at, retryAfterMs: 0 };
}

/**
 * Corrects impossible times: the system clock was set back, or that of another
 * process is ahead. A circuit that claims to be open for longer than
 * the longest cooldown may be probed at once, and calls of the future count as if
 * they had just ended.
 *
 * @param probeAt From when the circuit may be probed: the time of the event that
 * follows, which may be older than `now`.
 */
export function clampTimes(
  circuit: Circuit,
  now: number,
  options: ResolvedCircuitOptions,
  probeAt = now,
): Circuit {
  if (circuit.state === "open") {
    const isTooLong = circuit.retryAt - now > maxOpenMs(options);
    return isTooLong ? { ...circuit, retryAt: probeAt } : circuit;
  }
  const last = circuit.window.at(-1);
  if (!last || last.at <= now) return circuit;
  const window = circuit.window.map((slice) => ({
    ...slice,
    at: Math.min(slice.at, now),
  }));
  return { state: "closed", window };
}

/** The longest that a circuit can be open, in milliseconds. */
export function maxOpenMs(
  { maxCooldownMs, maxRetryAfterMs }: ResolvedCircuitOptions,
): number {
  return Math.max(maxCooldownMs, maxRetryAfterMs);
}

/** After this many milliseconds without an event, a circuit makes no difference. */
export function retentionMs(options: ResolvedCircuitOptions): number {
  return options.windowMs + 2 * maxOpenMs(options);
}

/**
 * Whether calls go through now. `"probe"` means that one call may go through,
 * after a `probe` event has been applied.
 */
export function admission(circuit: Circuit, now: number): Admission | "probe" {
  if (circuit.state === "closed") return { admit: true };
  const { retryAt } = circuit;
  return now < retryAt ? { admit: false, retryAt } : "probe";
}

/** The circuit after an event; the same object if the event changes nothing. */
export function reduce(
  circuit: Circuit,
  event: CircuitEvent,
  options: ResolvedCircuitOptions,
): Circuit {
  return circuit.state === "closed"
    ? reduceClosed(circuit, event, options)
    : reduceOpen(circuit, event, options);
}

function reduceClosed(
  circuit: ClosedCircuit,
  { type, at, retryAfterMs }: CircuitEvent,
  options: ResolvedCircuitOptions,
): Circuit {
  const isFailure = type === "failure";
  const counts = isFailure ||
    type === "success" && options.failureRateThreshold !== undefined;
  if (!counts) return circuit;
  const window = recentSlices(circuit, at, options);
  const last = window.at(-1);
  const joins = last && at - last.at < options.windowMs / SLICES;
  const slice = joins ? window.pop()! : { at, calls: 0, failures: 0 };
  window.push({
    at: slice.at,
    calls: slice.calls + 1,
    failures: slice.failures + Number(isFailure),
  });
  const { calls, failures } = sum(window);
  const isDown = isFailure && retryAfterMs > 0 ||
    failures >= options.failureThreshold ||
    failures > 0 && calls >= options.minimumThroughput &&
      failures / calls >= options.failureRateThreshold!;
  if (!isDown) return { state: "closed", window };
  return {
    state: "open",
    retryAt: at + cooldown(0, retryAfterMs, options),
    probing: false,
    failures,
    failedProbes: 0,
  };
}

function reduceOpen(
  circuit: OpenCircuit,
  { type, at, retryAfterMs }: CircuitEvent,
  options: ResolvedCircuitOptions,
): Circuit {
  const { probing, retryAt } = circuit;
  // Of the probe, or of a call that was made because every other model failed.
  if (type === "success") return CLOSED;
  if (type === "probe") {
    return at >= retryAt
      ? { ...circuit, probing: true, retryAt: at + options.cooldownMs }
      : circuit;
  }
  if (type === "released") {
    return probing ? { ...circuit, probing: false, retryAt: at } : circuit;
  }
  if (probing) {
    const failedProbes = circuit.failedProbes + 1;
    return {
      state: "open",
      retryAt: at + cooldown(failedProbes, retryAfterMs, options),
      probing: false,
      failures: circuit.failures + 1,
      failedProbes,
    };
  }
  // Of a call that began before the circuit opened, or of one that was made
  // because every other model failed. Only the provider's `Retry-After` counts.
  return retryAfterMs > 0 && at + retryAfterMs > retryAt
    ? { ...circuit, retryAt: at + retryAfterMs }
    : circuit;
}

/** In milliseconds: the wait that the provider asks for, else one that doubles. */
function cooldown(
  failedProbes: number,
  retryAfterMs: number,
  { cooldownMs, maxCooldownMs }: ResolvedCircuitOptions,
): number {
  if (retryAfterMs > 0) return retryAfterMs;
  // The limit of the exponent keeps 0 times infinity from being NaN.
  return Math.min(cooldownMs * 2 ** Math.min(failedProbes, 31), maxCooldownMs);
}

function recentSlices(
  { window }: ClosedCircuit,
  now: number,
  { windowMs }: ResolvedCircuitOptions,
): Slice[] {
  return window.filter(({ at }) => now - at < windowMs);
}

function sum(window: readonly Slice[]): { calls: number; failures: number } {
  let [calls, failures] = [0, 0];
  for (const slice of window) {
    calls += slice.calls;
    failures += slice.failures;
  }
  return { calls, failures };
}

/** Circuits as `snapshot()` shows them, sorted by the name of the model. */
export function describeCircuits(
  circuits: ReadonlyMap<string, Circuit>,
  options: ResolvedCircuitOptions,
): readonly CircuitSnapshot[] {
  const now = currentTime();
  return [...circuits.keys()].sort().map((model) => {
    const circuit = clampTimes(circuits.get(model)!, now, options);
    return describeCircuit(model, circuit, now, options);
  });
}

function describeCircuit(
  model: string,
  circuit: Circuit,
  now: number,
  options: ResolvedCircuitOptions,
): CircuitSnapshot {
  if (circuit.state === "closed") {
    const { failures } = sum(recentSlices(circuit, now, options));
    return { model, state: "closed", failures };
  }
  const { failures, probing, retryAt } = circuit;
  const isHalfOpen = probing || now >= retryAt;
  return { model, state: isHalfOpen ? "half-open" : "open", failures, retryAt };
}
