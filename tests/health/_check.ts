// The property: whatever happens, both stores do what the reference does.

import type { Admission } from "@fallback/stream";
import type { CircuitSnapshot } from "@fallback/stream/health";
import fc from "fast-check";
import { stoppedClock } from "./_clock.ts";
import type { Runs } from "../property/_check.ts";
import { ReferenceStore } from "./_reference.ts";
import {
  type Sequence,
  sequences,
  show,
  type Step,
  waitOf,
} from "./_sequences.ts";
import { down, type Subject } from "./_subject.ts";

/** How many sequences, and which. */
interface Sequences extends Runs {
  /** Stop at the first, instead of looking for the shortest. */
  readonly endOnFailure?: boolean;
}

/** An error that counts, one that asks for time, and one that does not count. */
const ERRORS = {
  failure: down,
  busy: (retryAfterMs: number) =>
    Object.assign(new Error("busy"), { status: 429, retryAfterMs }),
  refused: () => Object.assign(new Error("bad request"), { status: 400 }),
};

/** What a store can be told and asked. */
interface Told {
  admit(model: string): Admission | PromiseLike<Admission>;
  report(
    model: string,
    outcome: "success" | "failure" | "released",
    error?: unknown,
  ): unknown;
}

/** Tells a store of a step; what it answers, if it was asked. */
function tell(store: Told, { model, event, asks }: Step, longestMs: number) {
  switch (event) {
    case "admit":
      return store.admit(model);
    case "failure":
    case "refused":
      return store.report(model, "failure", ERRORS[event]());
    case "busy":
      return store.report(model, "failure", ERRORS.busy(asks * longestMs));
    default:
      return store.report(model, event);
  }
}

/** The same for the reference. */
function tellReference(
  store: ReferenceStore,
  { model, event, asks }: Step,
  now: number,
  longestMs: number,
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
      return void circuit.failure(now, asks * longestMs);
    default:
      return void circuit.released(now);
  }
}

/** Looks for a sequence after which `memoryHealth` is not where it must be. */
export function memoryViolation(
  subject: Pick<Subject, "memoryHealth">,
  { runs, seed, endOnFailure = false }: Sequences,
): string | undefined {
  using clock = stoppedClock();
  const property = fc.property(sequences, (sequence) => {
    clock.now = 0;
    playInMemory(subject, sequence, clock);
  });
  return verdict(fc.check(property, { numRuns: runs, seed, endOnFailure }));
}

function playInMemory(
  { memoryHealth }: Pick<Subject, "memoryHealth">,
  { settings, steps }: Sequence,
  clock: { now: number },
): void {
  const store = memoryHealth(settings);
  const reference = new ReferenceStore(settings);
  for (const [index, step] of steps.entries()) {
    const { retryAt } = reference.at(clock.now, step.model).describe(clock.now);
    clock.now += waitOf(step, settings, retryAt, clock.now);
    const { now } = clock;
    const answer = tell(store, step, settings.maxCooldownMs);
    const must = tellReference(reference, step, now, settings.maxCooldownMs);
    if (step.event === "admit") compare(index, now, answer, must);
    compare(index, now, store.snapshot(), reference.snapshot(now));
  }
}

/** Several isolates over one KV; `isolates` makes them anew. */
export interface World extends AsyncDisposable {
  readonly stores: readonly (Told & {
    snapshot(): Promise<readonly CircuitSnapshot[]>;
  })[];
}

/**
 * Looks for a sequence after which isolates that are told one after the other
 * are not, all together, where one circuit must be.
 *
 * @param enter Makes isolates with the options, and without a cache.
 */
export async function sharedViolation(
  enter: (settings: Sequence["settings"]) => World | Promise<World>,
  { runs, seed, endOnFailure = false }: Sequences,
  memoryMs: (settings: Sequence["settings"]) => number,
): Promise<string | undefined> {
  using clock = stoppedClock();
  const property = fc.asyncProperty(sequences, async (sequence) => {
    clock.now = 0;
    await using world = await enter(sequence.settings);
    await playShared(world, sequence, clock, memoryMs(sequence.settings));
  });
  return verdict(
    await fc.check(property, { numRuns: runs, seed, endOnFailure }),
  );
}

async function playShared(
  { stores }: World,
  { settings, steps }: Sequence,
  clock: { now: number },
  memoryMs: number,
): Promise<void> {
  const reference = new ReferenceStore(settings, memoryMs);
  const longestMs = settings.maxCooldownMs;
  /** Who knows all that is stored of a model. */
  const informed = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    const { model, isolate, event } = step;
    const store = stores[isolate % stores.length]!;
    const before = reference.at(clock.now, model);
    const { retryAt } = before.describe(clock.now);
    clock.now += waitOf(step, settings, retryAt, clock.now);
    const { now } = clock;
    const isForgotten = reference.at(now, model) !== before;
    // Nobody reports who was not admitted: an isolate asks, if others or time
    // have changed what it knows. A lone success may wait for such a question.
    const knows = informed.get(model) === isolate && !isForgotten;
    const asks = event === "admit" || !knows;
    if (asks) {
      const answer = await store.admit(model);
      compare(index, now, answer, reference.at(now, model).admit(now));
    }
    if (event !== "admit") {
      await tell(store, step, longestMs);
      tellReference(reference, step, now, longestMs);
      if (event === "success" && settings.failureRateThreshold !== undefined) {
        const answer = await store.admit(model);
        compare(index, now, answer, reference.at(now, model).admit(now));
      }
    }
    informed.set(model, isolate);
    compare(index, now, await store.snapshot(), reference.snapshot(now));
  }
}

function compare(
  index: number,
  now: number,
  actual: unknown,
  expected: unknown,
): void {
  const [got, must] = [actual, expected].map((value) => JSON.stringify(value));
  if (got === must) return;
  throw new Error(
    `after step ${index + 1}, at ${now} ms:\n  got:  ${got}\n  must: ${must}`,
  );
}

function verdict(
  { failed, errorInstance, counterexample, numRuns, seed }: fc.RunDetails<
    [Sequence]
  >,
): string | undefined {
  if (!failed) return undefined;
  if (!counterexample) return `too few sequences, seed ${seed}`;
  return [
    `Seed ${seed}, after ${numRuns} sequences:`,
    show(counterexample[0]),
    errorInstance instanceof Error ? errorInstance.message : `${errorInstance}`,
  ].join("\n");
}
