// A scenario as data: what the models do, the options, and what the caller does
// with the stream. It is plain JSON, so a scenario that a run has found can be
// pasted into a test.

import type { SourceKind } from "@fallback/stream/testing";

/** One step of closing. Every `fail` with the same name throws the same thing. */
export type CloseStep =
  | { do: "wait"; ms: number }
  | { do: "hang" }
  | { do: "fail"; error: string };

/**
 * A chunk is named by its model, its kind and its place: `meta` is no content,
 * `stop` is final, `isContent` fails on `odd`, `isFinal` on `bad`.
 */
export type ChunkKind = "meta" | "text" | "stop" | "odd" | "bad";

export type Step =
  | CloseStep
  | { do: "open" }
  | { do: "end" }
  | { do: "chunk"; kind: ChunkKind };

export interface FakeSpec {
  name: string;
  /** One script per call. The last script repeats. */
  scripts: Step[][];
  kind: SourceKind;
  ignoresAbort: boolean;
  closeScript?: CloseStep[] | undefined;
  disposeScript?: CloseStep[] | undefined;
  stackScript?: CloseStep[] | undefined;
  admissions?: AdmissionSpec[] | undefined;
}

export interface ChainSpec {
  models: ModelSpec[];
  options: OptionsSpec;
  admissions?: AdmissionSpec[] | undefined;
}

export type ModelSpec = FakeSpec | ChainSpec;

/**
 * The result of one admit() call of the chain's health store for a model: at
 * once, or by a promise after `slowMs`. Later calls return yes.
 */
export interface AdmissionSpec {
  gives: "yes" | "no" | "an error" | "no answer";
  slowMs?: number | undefined;
  /** How long it refuses the model. Default: until `RETRY_AT`. */
  retryInMs?: number | undefined;
}

/**
 * A `fallbackOn` that refuses errors with an odd number, at once or after
 * `slowMs`. It returns false, or throws if `refuse` says so.
 */
export interface ConditionSpec {
  refuse: "odd" | "odd by throwing";
  slowMs?: number | undefined;
}

/** Delays double and have no jitter. */
export interface RetrySpec {
  maxAttempts: number;
  minDelayMs: number;
  maxDelayMs: number;
}

/** `tokens` is the hedge budget of the whole scenario. */
export interface HedgeSpec {
  afterMs: number;
  maxInFlight: number;
  tokens?: number | undefined;
}

export interface OptionsSpec {
  isContent: boolean;
  isFinal: boolean;
  allowEmpty: boolean;
  openMs?: number | undefined;
  firstContentMs?: number | undefined;
  idleMs?: number | undefined;
  totalMs?: number | undefined;
  closeMs: number;
  fallbackOn?: ConditionSpec | undefined;
  retry?: RetrySpec | undefined;
  hedge?: HedgeSpec | undefined;
  /** Whether there is a health store. The models hold its `admissions`. */
  health?: boolean | undefined;
}

export type Leave = "return" | "throw" | "dispose";

/** One action of the caller. A `dispose` always follows the last one. */
export type Action =
  | { do: "wait"; ms: number }
  | { do: "pull"; count: number }
  | { do: "drain" }
  | { do: Leave }
  | { do: "pull, then"; ms: number; then: Leave };

/** What `resume` returns or throws after a stream was interrupted. */
export interface ResumeSpec {
  gives: "a request" | "nothing" | "an error";
  slowMs?: number | undefined;
}

export interface Scenario {
  chain: ChainSpec;
  actions: Action[];
  abortAt?: number | undefined;
  resume?: ResumeSpec | undefined;
}

/** What happened, as seen by the caller, the records, the fakes and the stores. */
export interface ScenarioResult {
  /** What the caller saw, and when. */
  caller: string[];
  /** The records at the end of the scenario. */
  records: ExpectedRecord[];
  /** For each call of a fake, what happened to it, and when. */
  fakes: string[][];
  /** The calls of the health stores, and when they came. */
  health: string[];
}

/** An attempt record in the form in which both sides are compared. */
export interface ExpectedRecord {
  model: string;
  outcome: string;
  chunks: number;
  times: (number | undefined)[];
  error?: string;
  closeErrors: string[];
  nested?: ExpectedRecord[];
}

/** The default `retryAt` of a model that a store refuses. */
export const RETRY_AT = 7_777_777;

export function isChain(spec: ModelSpec): spec is ChainSpec {
  return "models" in spec;
}

/** The number in an error's name decides whether a condition refuses it. */
export function isOdd(error: string): boolean {
  return /^e[13579]$/.test(error);
}
