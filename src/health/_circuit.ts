// A circuit breaker as a plain value: what is remembered of one model, and how
// that changes with a word about it. Nothing in it is a clock, a timer or a
// method, so that it can lie in memory or in a database, and a word can be
// said again to a newer value when somebody else was faster.
//
// Why not `CircuitBreaker` of @std/async or `RollingCounter` of
// @std/data-structures: the first runs the work itself, as one promise, whereas
// a stream reports when it commits and perhaps once more, and its state cannot
// be stored; the second changes in place and knows no time. Both are unstable.
//
// The states are those of Nygard, "Release It!" (2007).

import type { Admission } from "../types/health.ts";
import type {
  CircuitSnapshot,
  ResolvedCircuitOptions,
} from "./circuit_options.ts";

/** What is remembered of one model. */
export type Circuit = Closed | Open;

/** Calls go through. */
interface Closed {
  readonly state: "closed";
  /** The calls of the window, oldest first. */
  readonly window: readonly Slice[];
}

/** Calls do not go through, but for one probe once the cool-down is over. */
interface Open {
  readonly state: "open";
  /** Nothing goes through before, in milliseconds since the epoch. */
  readonly retryAt: number;
  /** A probe is out; if nothing is heard of it, it expires at `retryAt`. */
  readonly probing: boolean;
  /** How many failures have opened it, and kept it open. */
  readonly failures: number;
  /** How many probes have failed in a row. */
  readonly failedProbes: number;
}

/** Calls that ended about the same time. */
interface Slice {
  /** When the first of them did, in milliseconds since the epoch. */
  readonly at: number;
  readonly calls: number;
  readonly failures: number;
}

/** Something that a circuit is told. */
export interface CircuitEvent {
  readonly type: "probe" | "success" | "failure" | "released";
  /** When that was, in milliseconds since the epoch. */
  readonly at: number;
  /** How long the provider asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** The circuit of a model of which nothing is known. */
export const CLOSED: Circuit = { state: "closed", window: [] };

/** A window is counted in so many parts: it is exact to a hundredth. */
const SLICES = 100;

/**
 * A circuit as it is to be believed: if the clock was set back, or that of
 * another isolate is fast, it says that it is open for longer than any may be.
 */
export function clampRetryAt(
  circuit: Circuit,
  now: number,
  { maxCooldownMs }: ResolvedCircuitOptions,
): Circuit {
  const isTooLong = circuit.state === "open" &&
    circuit.retryAt - now > maxCooldownMs;
  return isTooLong ? { ...circuit, retryAt: now } : circuit;
}

/** Whether calls go through now; `"probe"` if one does, once it is said to be out. */
export function admission(circuit: Circuit, now: number): Admission | "probe" {
  if (circuit.state === "closed") return { admit: true };
  const { retryAt } = circuit;
  return now < retryAt ? { admit: false, retryAt } : "probe";
}

/** The circuit after a word; the very same where the word changes nothing. */
export function reduce(
  circuit: Circuit,
  word: CircuitEvent,
  rules: ResolvedCircuitOptions,
): Circuit {
  return circuit.state === "closed"
    ? reduceClosed(circuit, word, rules)
    : reduceOpen(circuit, word, rules);
}

function reduceClosed(
  circuit: Closed,
  word: CircuitEvent,
  rules: ResolvedCircuitOptions,
): Circuit {
  const { type, at, retryAfterMs = 0 } = word;
  const isFailure = type === "failure";
  const counts = isFailure ||
    type === "success" && rules.failureRateThreshold !== undefined;
  if (!counts) return circuit;
  const window = recent(circuit, at, rules);
  const last = window.at(-1);
  const joins = last && at - last.at < rules.windowMs / SLICES;
  const slice = joins ? window.pop()! : { at, calls: 0, failures: 0 };
  window.push({
    at: slice.at,
    calls: slice.calls + 1,
    failures: slice.failures + Number(isFailure),
  });
  const { calls, failures } = sum(window);
  const isDown = isFailure && retryAfterMs > 0 ||
    failures >= rules.failureThreshold ||
    failures > 0 && calls >= rules.minimumThroughput &&
      failures / calls >= rules.failureRateThreshold!;
  if (!isDown) return { state: "closed", window };
  return {
    state: "open",
    retryAt: at + cooldown(0, retryAfterMs, rules),
    probing: false,
    failures,
    failedProbes: 0,
  };
}

function reduceOpen(
  circuit: Open,
  word: CircuitEvent,
  rules: ResolvedCircuitOptions,
): Circuit {
  const { probing, retryAt } = circuit;
  const { type, at, retryAfterMs = 0 } = word;
  if (type === "probe") {
    return at >= retryAt
      ? { ...circuit, probing: true, retryAt: at + rules.cooldownMs }
      : circuit;
  }
  if (probing && type === "success") return CLOSED;
  if (probing && type === "released") {
    return { ...circuit, probing: false, retryAt: at };
  }
  if (probing && type === "failure") {
    const failedProbes = circuit.failedProbes + 1;
    return {
      ...circuit,
      retryAt: at + cooldown(failedProbes, retryAfterMs, rules),
      probing: false,
      failures: circuit.failures + 1,
      failedProbes,
    };
  }
  // A call that began before it opened, or one that nobody else could take.
  const asked = type === "failure" && retryAfterMs > 0
    ? at + cooldown(0, retryAfterMs, rules)
    : retryAt;
  return asked > retryAt ? { ...circuit, retryAt: asked } : circuit;
}

/** In milliseconds: what the provider asks for, or what doubles every time. */
function cooldown(
  failedProbes: number,
  retryAfterMs: number,
  { cooldownMs, maxCooldownMs }: ResolvedCircuitOptions,
): number {
  // Zero times infinity would be no number.
  const doubled = cooldownMs * Math.min(2 ** failedProbes, 2 ** 31);
  return Math.min(retryAfterMs > 0 ? retryAfterMs : doubled, maxCooldownMs);
}

function recent(
  { window }: Closed,
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

/** A circuit as people want to see it. */
export function describe(
  model: string,
  circuit: Circuit,
  now: number,
  rules: ResolvedCircuitOptions,
): CircuitSnapshot {
  if (circuit.state === "closed") {
    const { failures } = sum(recent(circuit, now, rules));
    return { model, state: "closed", failures };
  }
  const { failures, probing, retryAt } = circuit;
  const isHalfOpen = probing || now >= retryAt;
  return { model, state: isHalfOpen ? "half-open" : "open", failures, retryAt };
}
