// A scenario, as data: what the models do, how they are called, and what the
// caller does with the answer. It prints as it is written, so that what a run
// has found can be pasted into a test.

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
  /** What it does in each call; the last repeats. */
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
 * What the health store of the chain returns from `admit()` for a model: at
 * once, or by a promise after `slowMs`. After the last of them it says yes.
 */
export interface AdmissionSpec {
  gives: "yes" | "no" | "an error" | "no answer";
  slowMs?: number | undefined;
  /** How long it refuses the model; else until far in the future. */
  retryInMs?: number | undefined;
}

/**
 * Which failures fall back: all, or but those with an odd number: at once,
 * after `slowMs`, or by a condition that throws instead of refusing.
 */
export interface ConditionSpec {
  refuse: "odd" | "odd by throwing";
  slowMs?: number | undefined;
}

/** Delays without jitter, which double. */
export interface RetrySpec {
  maxAttempts: number;
  minDelayMs: number;
  maxDelayMs: number;
}

/** With a budget of so many `tokens`, for as long as the scenario takes. */
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
  /** Whether there is a store; what it says stands with the models. */
  health?: boolean | undefined;
}

export type Leave = "return" | "throw" | "dispose";

/** What the caller does, one after the other; a last `dispose` always follows. */
export type Action =
  | { do: "wait"; ms: number }
  | { do: "pull"; count: number }
  | { do: "drain" }
  | { do: Leave }
  | { do: "pull, then"; ms: number; then: Leave };

/** How an interrupted answer is continued, if at all. */
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

/** What happened, as the caller, the records and the journal show it. */
export interface Observation {
  /** What the caller saw, and when. */
  caller: string[];
  /** What the records say at the very end. */
  records: RecordObservation[];
  /** For each call of a fake, what was done to it, and when. */
  fakes: string[][];
  /** The calls of the health stores, and when. */
  health: string[];
}

export interface RecordObservation {
  model: string;
  outcome: string;
  chunks: number;
  times: (number | undefined)[];
  error?: string;
  closeErrors: string[];
  nested?: RecordObservation[];
}

/** When it is worth asking again for a model that a store refuses. */
export const RETRY_AT = 7_777_777;

export function isChain(spec: ModelSpec): spec is ChainSpec {
  return "models" in spec;
}

/** The number in an error's name decides whether a condition refuses it. */
export function isOdd(error: string): boolean {
  return /^e[13579]$/.test(error);
}
