// What every contract case uses: fake models, a journal, and a few assertions. The
// cases run in other runtimes too, so they depend on no assertion library.

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

/** The implementation under test: the functions that run a chain. */
export interface Subject {
  /** Opens the models in order until one has content. */
  readonly fallbackStream: typeof fallbackStream;
  /** Makes a model of a chain. */
  readonly fallbackModel: typeof fallbackModel;
  /** Continues an interrupted answer; without it, the cases of R20 are left out. */
  readonly continueStream?: typeof continueStream | undefined;
}

/** An implementation of `continueStream()`. */
export interface ContinueSubject {
  readonly continueStream: typeof continueStream;
}

/** One case of the contract, for one kind of source. */
export interface ContractCase {
  /** The rule that it belongs to: `"R1"` to `"R21"`, `"nesting"`, `"callbacks"`, `"arguments"`. */
  readonly rule: string;
  /** The rule, what it guarantees, and the kind of source. */
  readonly name: string;
  /**
   * Runs the case in virtual time.
   *
   * @throws {Error} If the implementation breaks the rule.
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
  /** A fake model with this case's kind of source and journal. */
  fake(
    name: string,
    script: Script<string> | { scripts: readonly Script<string>[] },
    options?: FakeModelOptions<string>,
  ): FakeModel<string>;
  /** A watched signal that aborts after `ms`, or never. */
  signal(ms?: number, reason?: unknown): AbortSignal;
}

/** What a rule guarantees, and the code that checks it. */
export interface RuleCase {
  readonly rule: string;
  readonly title: string;
  check(context: TestContext): Promise<void>;
}

/** Defines one case of a rule. */
export function rule(
  rule: string,
  title: string,
  check: (context: TestContext) => Promise<void>,
): RuleCase {
  return { rule, title, check };
}

/** Makes one case for each kind of source. */
export function toCases(
  subject: Subject,
  { rule, title, check }: RuleCase,
): ContractCase[] {
  const kinds = ["generator", "iterable", "readable"] as const;
  return kinds.map((kind) => ({
    rule,
    name: `${rule} ${title} (${kind})`,
    run: async () => {
      const journal = createJournal();
      await virtualTime(() =>
        check({
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

/** Lets virtual time pass, in milliseconds. */
export const pass = (ms: number): Promise<void> =>
  withoutTimerTracking(() => delay(ms));

/** What `next()` resolves to after the end. */
export const done = { done: true, value: undefined };

/** The predicate of most cases: chunks that start with `meta` are no content. */
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

/** The names of the fakes that were called, in order. */
export const calledModels = (journal: Journal): string[] =>
  journal.calls.map(({ model }) => model);

/** The method that stops a source of this kind. */
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
