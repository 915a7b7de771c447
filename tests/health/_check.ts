// Compares the stores with the reference in random sequences.

import type { Admission } from "@fallback/stream";
import type { CircuitSnapshot, MemoryHealth } from "@fallback/stream/health";
import fc from "fast-check";
import { stoppedClock } from "./_clock.ts";
import { overloaded } from "./_errors.ts";
import type { Runs } from "../property/_check.ts";
import { ReferenceStore, type Settings } from "./_reference.ts";
import {
  describeSequence,
  type Sequence,
  sequences,
  type Step,
  waitOf,
} from "./_sequences.ts";

/** A failure, a failure with a `retryAfterMs`, and an error that is no failure. */
const ERRORS = {
  failure: overloaded,
  busy: (retryAfterMs: number) =>
    Object.assign(new Error("busy"), { status: 429, retryAfterMs }),
  badRequest: () => Object.assign(new Error("bad request"), { status: 400 }),
};

interface Store {
  admit(model: string): Admission | PromiseLike<Admission>;
  report(
    model: string,
    outcome: "success" | "failure" | "released",
    error?: unknown,
  ): unknown;
}

/** A store that is shared through a database. */
export interface SharedStore extends Store {
  snapshot(): Promise<readonly CircuitSnapshot[]>;
}

/** Several stores over one database. */
export interface StoreGroup extends AsyncDisposable {
  readonly stores: readonly SharedStore[];
}

/** How long a circuit in a database is kept after its last change. */
export function retentionMs(
  { windowMs, maxCooldownMs, maxRetryAfterMs }: Settings,
): number {
  return windowMs + 2 * Math.max(maxCooldownMs, maxRetryAfterMs);
}

function apply(
  store: Store,
  { model, event, retryAfterRatio }: Step,
  { maxRetryAfterMs }: Settings,
) {
  switch (event) {
    case "admit":
      return store.admit(model);
    case "failure":
    case "badRequest":
      return store.report(model, "failure", ERRORS[event]());
    case "busy": {
      const error = ERRORS.busy(retryAfterRatio * maxRetryAfterMs);
      return store.report(model, "failure", error);
    }
    default:
      return store.report(model, event);
  }
}

function applyToReference(
  store: ReferenceStore,
  { model, event, retryAfterRatio }: Step,
  now: number,
  { maxRetryAfterMs }: Settings,
): Admission | undefined {
  const circuit = store.at(now, model);
  switch (event) {
    case "admit":
      return circuit.admit(now);
    case "success":
      return void circuit.success(now);
    case "failure":
      return void circuit.failure(now);
    case "busy":
      return void circuit.failure(now, retryAfterRatio * maxRetryAfterMs);
    default:
      return void circuit.released(now);
  }
}

/** Looks for a sequence after which a store in memory differs from the reference. */
export function memoryViolation(
  memoryHealth: (settings: Settings) => MemoryHealth,
  { runs, seed }: Runs,
): string | undefined {
  using clock = stoppedClock();
  const property = fc.property(sequences, ({ settings, steps }) => {
    clock.now = 0;
    const store = memoryHealth(settings);
    const reference = new ReferenceStore(settings);
    for (const [index, step] of steps.entries()) {
      const circuit = reference.at(clock.now, step.model);
      const { retryAt } = circuit.describe(clock.now);
      clock.now += waitOf(step, settings, retryAt, clock.now);
      const { now } = clock;
      const actual = apply(store, step, settings);
      const expected = applyToReference(reference, step, now, settings);
      if (step.event === "admit") compare(index, now, actual, expected);
      compare(index, now, store.snapshot(), reference.snapshot(now));
    }
  });
  return describeFailure(fc.check(property, { numRuns: runs, seed }));
}

/**
 * Looks for a sequence after which stores over one database, used one after the
 * other, differ from the reference.
 *
 * @param open Makes stores with the settings and without a cache.
 */
export async function sharedViolation(
  open: (settings: Settings) => StoreGroup | Promise<StoreGroup>,
  { runs, seed, endOnFailure = false }: Runs & {
    /** Stops at the first violation, instead of looking for the shortest. */
    readonly endOnFailure?: boolean;
  },
  keepMs: (settings: Settings) => number,
): Promise<string | undefined> {
  using clock = stoppedClock();
  const property = fc.asyncProperty(sequences, async (sequence) => {
    clock.now = 0;
    await using group = await open(sequence.settings);
    await checkSequence(group, sequence, clock, keepMs(sequence.settings));
  });
  const parameters = { numRuns: runs, seed, endOnFailure };
  return describeFailure(await fc.check(property, parameters));
}

async function checkSequence(
  { stores }: StoreGroup,
  { settings, steps }: Sequence,
  clock: { now: number },
  keepMs: number,
): Promise<void> {
  const reference = new ReferenceStore(settings, keepMs);
  /** The store that read or wrote each model last. */
  const lastStores = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    const { model, isolate, event } = step;
    const store = stores[isolate % stores.length]!;
    const before = reference.at(clock.now, model);
    const { retryAt } = before.describe(clock.now);
    clock.now += waitOf(step, settings, retryAt, clock.now);
    const { now } = clock;
    const isExpired = reference.at(now, model) !== before;
    // Calls report after they were admitted. So if another store has used the model,
    // or its circuit has expired, the store reads it before it reports. That read
    // also sends successes that change no state.
    const isUpToDate = lastStores.get(model) === isolate && !isExpired;
    const admit = async () =>
      compare(
        index,
        now,
        await store.admit(model),
        reference.at(now, model).admit(now),
      );
    if (event === "admit" || !isUpToDate) await admit();
    if (event !== "admit") {
      await apply(store, step, settings);
      applyToReference(reference, step, now, settings);
      const mayWait = event === "success" &&
        settings.failureRateThreshold !== undefined;
      if (mayWait) await admit();
    }
    lastStores.set(model, isolate);
    compare(index, now, await store.snapshot(), reference.snapshot(now));
  }
}

function compare(
  index: number,
  now: number,
  actual: unknown,
  expected: unknown,
): void {
  const [got, wanted] = [actual, expected].map((it) => JSON.stringify(it));
  if (got === wanted) return;
  throw new Error(
    `after step ${
      index + 1
    }, at ${now} ms:\n  got:      ${got}\n  expected: ${wanted}`,
  );
}

function describeFailure(
  { failed, errorInstance, counterexample, numRuns, seed }: fc.RunDetails<
    [Sequence]
  >,
): string | undefined {
  if (!failed) return undefined;
  if (!counterexample) return `too few sequences, seed ${seed}`;
  return [
    `Seed ${seed}, after ${numRuns} sequences:`,
    describeSequence(counterexample[0]),
    errorInstance instanceof Error ? errorInstance.message : `${errorInstance}`,
  ].join("\n");
}
