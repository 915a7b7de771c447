// What a contract case is made of: a stage with fakes on it, and the few checks
// that it needs, for the harness depends on no assertion library.

import { delay } from "@std/async/delay";
import type { continueStream } from "../../src/continue/mod.ts";
import type { fallbackModel } from "../../src/fallback_model.ts";
import type { fallbackStream } from "../../src/fallback_stream.ts";
import type { Attempt } from "../../src/types/attempt.ts";
import type { FallbackEvent } from "../../src/types/events.ts";
import type { FallbackOptions } from "../../src/types/options.ts";
import { show } from "../../src/testing/_format_value.ts";
import { withoutTimerTracking } from "../../src/testing/_timers.ts";
import {
  type FakeModel,
  fakeModel,
  type FakeModelOptions,
  type SourceKind,
} from "../../src/testing/fake_model.ts";
import { createJournal, type Journal } from "../../src/testing/journal.ts";
import type { Script } from "../../src/testing/script.ts";
import { virtualTime } from "../../src/testing/virtual_time.ts";

/** What the contract is about: the two functions that run a chain. */
export interface Subject {
  /** Opens the models in turn until one answers. */
  readonly fallbackStream: typeof fallbackStream;
  /** Makes a chain one model. */
  readonly fallbackModel: typeof fallbackModel;
  /** Continues an answer after a cut; without it, R20 is left out. */
  readonly continueStream?: typeof continueStream | undefined;
}

/** A subject that continues. */
export interface ContinueSubject {
  readonly continueStream: typeof continueStream;
}

/** One promise of the contract, ready to be checked. */
export interface ContractCase {
  /** The rule that it belongs to: `"R1"` to `"R21"`, `"nesting"`, `"callbacks"`, `"arguments"`. */
  readonly rule: string;
  /** The promise, with the kind of source that it is checked for. */
  readonly name: string;
  /**
   * Checks it, in virtual time.
   *
   * @throws {Error} If the promise is broken.
   */
  run(): Promise<void>;
}

/** An event of any type, with the properties of all of them. */
export type AnyEvent = Omit<FallbackEvent, "attempt"> & {
  readonly attempt?: Attempt;
  readonly error?: unknown;
  readonly delayMs?: number;
};

export type Options = FallbackOptions<unknown, string>;

/** Everything that a case works with. */
export interface TestContext extends Omit<Subject, "continueStream"> {
  readonly kind: SourceKind;
  readonly journal: Journal;
  /** A fake of this scene's kind that writes to this scene's journal. */
  fake(
    name: string,
    script: Script<string> | { scripts: readonly Script<string>[] },
    options?: FakeModelOptions<string>,
  ): FakeModel<string>;
  /** A watched signal that aborts after `ms`, or never. */
  signal(ms?: number, reason?: unknown): AbortSignal;
}

/** A promise, and how it is checked. */
export interface RuleCase {
  readonly rule: string;
  readonly promise: string;
  play(scene: TestContext): Promise<void>;
}

/** Writes down one promise of a rule. */
export function rule(
  rule: string,
  promise: string,
  play: (scene: TestContext) => Promise<void>,
): RuleCase {
  return { rule, promise, play };
}

/** Sets the stage for a promise: one case for each kind of source. */
export function toCases(
  subject: Subject,
  { rule, promise, play }: RuleCase,
): ContractCase[] {
  const kinds = ["generator", "iterable", "readable"] as const;
  return kinds.map((kind) => ({
    rule,
    name: `${rule} ${promise} (${kind})`,
    run: async () => {
      const journal = createJournal();
      await virtualTime(() =>
        play({
          fallbackStream: subject.fallbackStream,
          fallbackModel: subject.fallbackModel,
          kind,
          journal,
          fake: (name, script, options) =>
            fakeModel(name, script, { kind, journal, ...options }),
          signal: (ms, reason) => {
            const controller = new AbortController();
            if (ms !== undefined) {
              withoutTimerTracking(() =>
                setTimeout(() => controller.abort(reason), ms)
              );
            }
            return journal.watch(controller.signal);
          },
        })
      );
      journal.assertClean();
    },
  }));
}

/** Lets virtual time pass. */
export const pass = (ms: number): Promise<void> =>
  withoutTimerTracking(() => delay(ms));

/** What `next()` gives after the end. */
export const done = { done: true, value: undefined };

/** The judge of most cases: `meta` is no content. */
export const isContent = (chunk: string): boolean => !chunk.startsWith("meta");

/** What a promise rejects with, or what a function throws. */
export async function errorOf(
  work: PromiseLike<unknown> | (() => unknown),
): Promise<unknown> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return error;
  }
  throw new Error("expected an error");
}

/** Reads a stream to its end, or to `limit` chunks. */
export async function read(
  stream: AsyncIterable<string>,
  limit = Infinity,
): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
    if (chunks.length >= limit) break;
  }
  return chunks;
}

/** The entries of a journal as `"name type"`, without pulls and chunks. */
export function eventLog(journal: Journal): string[] {
  return journal.entries
    .filter(({ type }) => type !== "pull" && type !== "chunk")
    .map(({ model, type, value }) =>
      type.startsWith("close")
        ? `${model} ${type} ${value}`
        : `${model} ${type}`
    );
}

/** The names of the fakes that were calledModels, in order. */
export const calledModels = (journal: Journal): string[] =>
  journal.calls.map(({ model }) => model);

/** The way in which a source of this kind is stopped. */
export const stopOf = (kind: SourceKind): string =>
  kind === "readable" ? "cancel" : "return";

/** Throws unless both are the same: primitives, errors and functions by identity, the rest by structure. */
export function assertSame(
  actual: unknown,
  expected: unknown,
  what: string,
): void {
  if (deepEqual(actual, expected)) return;
  throw new Error(`${what}: ${show(actual)}, expected ${show(expected)}`);
}

function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  if (a instanceof Error || b instanceof Error) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length &&
    left.every(([key, value]) =>
      deepEqual(value, (b as Record<string, unknown>)[key])
    );
}
