// The reference model: computes what must happen, without promises and without
// sharing code with the library. Time is a number that is passed along. Each
// operation that can be stopped gets the time and the reason of that stop as an
// argument (`Stop`). If two things would happen in the same millisecond, their
// order is not specified, and the scenario is skipped.

import {
  type AdmissionSpec,
  type ChainSpec,
  type CloseStep,
  type ExpectedRecord,
  type FakeSpec,
  isChain,
  isOdd,
  type Leave,
  type ModelSpec,
  type OptionsSpec,
  type ResumeSpec,
  RETRY_AT,
  type Scenario,
  type ScenarioResult,
  type Step,
} from "./_scenario.ts";

/** The contract does not specify the result: a tie, or nothing ever happens. */
export class Unspecified extends Error {}

/** How long `fallbackStream` waits for a health store. */
const ADMIT_TIMEOUT_MS = 250;

/** When an operation is stopped, and the outcome and error that follow. */
interface Stop {
  at: number;
  outcome: string;
  error: () => string | undefined;
}

const NEVER: Stop = { at: Infinity, outcome: "never", error: () => undefined };

/** State that outlives an attempt: the logs, and how often each script was used. */
class SharedState {
  readonly fakes: string[][] = [];
  readonly health: string[] = [];
  readonly #used = new Map<object, number>();

  /** How often it was used before. */
  use(thing: object): number {
    const used = this.#used.get(thing) ?? 0;
    this.#used.set(thing, used + 1);
    return used;
  }

  /** A copy for the first run of a race, with empty logs. */
  copy(): SharedState {
    const copy = new SharedState();
    for (const [thing, used] of this.#used) copy.#used.set(thing, used);
    return copy;
  }
}

/** The result of a pull: a chunk, the end, or an error. A stopped pull has none. */
type Pulled =
  | { at: number; chunk: string }
  | { at: number; done: true }
  | { at: number; error: string };

/** When a close step ends, and its errors. `at` is `Infinity` if it hangs. */
interface Closed {
  at: number;
  errors: string[];
}

function isBefore(a: number, b: number): boolean {
  if (a === b && a !== Infinity) throw new Unspecified();
  return a < b;
}

function first(...stops: Stop[]): Stop {
  return stops.reduce((a, b) => isBefore(b.at, a.at) ? b : a);
}

/** One stream of a model: a fake or an inner chain. */
interface Source {
  /** The records of an inner chain. */
  readonly nested: ExpectedRecord[] | undefined;
  /** Opens it. Returns when that succeeds or fails; `undefined` if stopped first. */
  open(at: number, stop: Stop): { at: number; error?: string } | undefined;
  pull(at: number, stop: Stop): Pulled | undefined;
  /** Advances to `at` while no pull is pending. */
  idleUntil(at: number): void;
  /** Aborts the signal of its attempt. */
  abort(at: number, error: string | undefined): void;
  /** Steps 2 and 3 of closing. `exhausted`: the stream ended or threw by itself. */
  steps(exhausted: boolean): ((at: number) => Closed)[];
  /** Step 4 of closing. */
  stack(): ((at: number) => Closed)[];
  /** Abandons it before it is open, and closes it in the background. */
  abandon(closeMs: number): { errors: string[]; late: boolean };
}

/** Runs the steps one after another, for at most `closeMs`. */
function closeWithin(
  at: number,
  closeMs: number,
  steps: ((at: number) => Closed)[],
): Closed & { late: boolean } {
  const limit = at + closeMs;
  const errors: string[] = [];
  let now = at;
  let late = false;
  for (const step of steps) {
    const closed = step(now);
    if (late) continue;
    if (closed.at !== now) late = !isBefore(closed.at, limit);
    now = late ? limit : closed.at;
    if (!late) errors.push(...closed.errors);
  }
  return { at: now, errors, late };
}

/** Runs a close script of a fake: when it ends, and what it throws. */
function runScript(steps: CloseStep[], at: number): Closed & { ok: boolean } {
  for (const step of steps) {
    if (step.do === "wait") at += step.ms;
    if (step.do === "hang") return { at: Infinity, errors: [], ok: false };
    if (step.do === "fail") return { at, errors: [step.error], ok: false };
  }
  return { at, errors: [], ok: true };
}

class Fake implements Source {
  readonly nested = undefined;
  readonly #spec: FakeSpec;
  readonly #script: Step[];
  readonly #lines: string[];
  #place = 0;
  #begun = false;
  #aborted = false;
  /** When the wait ends in which a pull, or the opening, was stopped. */
  #busyUntil: number | undefined;

  constructor(spec: FakeSpec, at: number, state: SharedState) {
    this.#spec = spec;
    this.#script = spec.scripts[state.use(spec)] ?? spec.scripts.at(-1)!;
    this.#lines = [`${at} call ${spec.name}`];
    state.fakes.push(this.#lines);
  }

  open(at: number, stop: Stop): { at: number; error?: string } | undefined {
    const script = this.#script;
    for (; this.#place < script.length; this.#place++) {
      const step = script[this.#place]!;
      if (step.do === "chunk" || step.do === "end") break;
      if (step.do === "open") {
        this.#place++;
        break;
      }
      if (step.do === "fail") return { at, error: step.error };
      const next = step.do === "wait" ? at + step.ms : Infinity;
      if (!isBefore(next, stop.at)) {
        this.#place++;
        this.#busyUntil = next;
        return undefined;
      }
      at = next;
    }
    this.#lines.push(`${at} open`);
    return { at };
  }

  pull(at: number, stop: Stop): Pulled | undefined {
    const { name } = this.#spec;
    const script = this.#script;
    this.#begun = true;
    this.#busyUntil = undefined;
    while (this.#place < script.length) {
      const step = script[this.#place++]!;
      switch (step.do) {
        case "chunk":
          return { at, chunk: `${name} ${step.kind} ${this.#place - 1}` };
        case "fail":
          return { at, error: step.error };
        case "end":
          this.#place = Infinity;
          break;
        case "wait":
        case "hang": {
          const next = step.do === "wait" ? at + step.ms : Infinity;
          if (!isBefore(next, stop.at)) {
            this.#busyUntil = next;
            return undefined;
          }
          at = next;
        }
      }
    }
    return { at, done: true };
  }

  idleUntil(): void {}

  abort(at: number, error: string | undefined): void {
    this.#aborted = true;
    this.#lines.push(`${at} abort ${error ?? "closed"}`);
  }

  #close(way: string, steps: CloseStep[] | undefined, at: number): Closed {
    this.#lines.push(`${at} close ${way}`);
    const closed = runScript(steps ?? [], at);
    if (closed.ok) this.#lines.push(`${closed.at} closed ${way}`);
    return closed;
  }

  steps(exhausted: boolean): ((at: number) => Closed)[] {
    const { kind, closeScript, disposeScript } = this.#spec;
    const way = kind === "readable" ? "cancel" : "return";
    const steps: ((at: number) => Closed)[] = [];
    if (!exhausted) {
      steps.push((at) => {
        const closed = this.#close(way, closeScript, at);
        const free = this.#freeAt(at);
        // A generator's return() queues behind the pull that is pending.
        return closed.errors.length > 0
          ? closed
          : { at: Math.max(closed.at, free), errors: [] };
      });
    }
    if (disposeScript) {
      steps.push((at) => this.#close("dispose", disposeScript, at));
    }
    return steps;
  }

  /** When a generator starts its return(). */
  #freeAt(at: number): number {
    const { kind, ignoresAbort } = this.#spec;
    const busy = this.#busyUntil;
    if (kind !== "generator" || !this.#begun || busy === undefined) return at;
    if (!ignoresAbort) return at;
    if (busy === Infinity) return Infinity;
    const pulled = this.pull(busy, NEVER);
    return pulled?.at ?? Infinity;
  }

  stack(): ((at: number) => Closed)[] {
    const { stackScript } = this.#spec;
    return stackScript ? [(at) => this.#close("stack", stackScript, at)] : [];
  }

  abandon(closeMs: number): { errors: string[]; late: boolean } {
    const nothing = { errors: [], late: false };
    const busy = this.#busyUntil;
    if (!this.#spec.ignoresAbort || busy === undefined) return nothing;
    if (busy === Infinity) return nothing;
    const opened = this.open(busy, NEVER);
    if (!opened || opened.error !== undefined) return nothing;
    return closeWithin(opened.at, closeMs, this.steps(false));
  }
}

/** One attempt: opening, buffering, and closing. */
class ReferenceAttempt {
  readonly record: ExpectedRecord;
  readonly source: Source;
  readonly buffered: string[] = [];
  exhausted = false;
  readonly #options: OptionsSpec;
  readonly #state: SharedState;
  #final = false;

  constructor(
    spec: ModelSpec,
    at: number,
    { options, records, state }: {
      options: OptionsSpec;
      records: ExpectedRecord[];
      state: SharedState;
    },
  ) {
    this.#options = options;
    this.#state = state;
    this.source = isChain(spec)
      ? new Call(spec, state)
      : new Fake(spec, at, state);
    this.record = {
      model: nameOf(spec),
      outcome: "pending",
      chunks: 0,
      times: [at, undefined, undefined, undefined],
      closeErrors: [],
    };
    if (this.source.nested) this.record.nested = this.source.nested;
    records.push(this.record);
  }

  /** A timeout of this attempt that starts now. */
  timeout(phase: "open" | "firstContent" | "idle", at: number): Stop {
    const ms = this.#options[`${phase}Ms`];
    return {
      at: ms === undefined ? Infinity : at + ms,
      outcome: phase === "idle" ? "interrupted" : "failed",
      error: () => `${this.record.model} timeout ${phase} ${ms}`,
    };
  }

  /** Runs until it is committed, or has ended and is closed. */
  run(at: number, stop: Stop): { at: number; committed: boolean } {
    const { record, source } = this;
    const finish = (
      at: number,
      error: string | undefined,
      { outcome = "failed", opened = true, endedNaturally = false } = {},
    ) => {
      if (outcome === "failed") this.report(at, `failure ${error}`);
      else this.report(at, "released");
      const closedAt = this.settle(at, outcome, error, {
        opened,
        endedNaturally,
      });
      return { at: closedAt, committed: false };
    };
    const content = this.timeout("firstContent", at);
    const opening = first(this.timeout("open", at), content, stop);
    const opened = source.open(at, opening);
    if (!opened) {
      const { outcome } = opening;
      return finish(opening.at, opening.error(), { outcome, opened: false });
    }
    at = opened.at;
    if (opened.error !== undefined) {
      return finish(at, opened.error, { opened: false });
    }
    record.times[1] = at;
    const buffering = first(content, stop);
    for (;;) {
      const pulled = source.pull(at, buffering);
      if (!pulled) {
        const { outcome } = buffering;
        return finish(buffering.at, buffering.error(), { outcome });
      }
      at = pulled.at;
      if (!("chunk" in pulled)) this.exhausted = true;
      if ("error" in pulled) return finish(at, pulled.error);
      if ("done" in pulled) {
        const wrong = this.isTruncated()
          ? "truncated"
          : !this.#options.allowEmpty
          ? "empty"
          : undefined;
        if (wrong) {
          return finish(at, `${wrong} ${record.model}`, {
            endedNaturally: true,
          });
        }
        break;
      }
      const wrong = this.check(pulled.chunk, true);
      if (wrong) return finish(at, wrong);
      this.buffered.push(pulled.chunk);
      if (this.#options.isContent && isMeta(pulled.chunk)) continue;
      record.times[2] = at;
      break;
    }
    record.outcome = "streaming";
    this.report(at, "success");
    return { at, committed: true };
  }

  /** Reports to the chain's health store, if it has one. */
  report(at: number, line: string): void {
    if (!this.#options.health) return;
    this.#state.health.push(`${at} ${this.record.model} ${line}`);
  }

  /** Calls the predicates with a chunk. Returns what they throw, if they do. */
  check(chunk: string, beforeContent: boolean): string | undefined {
    const { isContent, isFinal } = this.#options;
    const [, kind] = chunk.split(" ");
    if (isFinal && kind === "bad") return "isFinal";
    if (isFinal && kind === "stop") this.#final = true;
    return beforeContent && isContent && kind === "odd"
      ? "isContent"
      : undefined;
  }

  isTruncated(): boolean {
    return this.#options.isFinal && !this.#final;
  }

  /** Ends the attempt and closes it. Returns when the close is done. */
  settle(
    at: number,
    outcome: string,
    error: string | undefined,
    { opened = true, endedNaturally = false },
  ): number {
    const { record, source } = this;
    const { closeMs } = this.#options;
    record.outcome = outcome;
    record.times[3] = at;
    if (error !== undefined) record.error = error;
    if (!endedNaturally) {
      source.abort(at, error === "undefined" ? undefined : error);
    }
    const isExpected = (other: string) =>
      other === error || (other === "AbortError" && !endedNaturally);
    const late = `${record.model} timeout close ${closeMs}`;
    const note = (closed: { errors: string[]; late: boolean }) => {
      record.closeErrors.push(...closed.errors.filter((e) => !isExpected(e)));
      if (closed.late) record.closeErrors.push(late);
    };
    const steps = opened ? source.steps(this.exhausted) : [];
    const closed = closeWithin(at, closeMs, steps);
    note(closed);
    const stacked = closeWithin(closed.at, closeMs, source.stack());
    note(stacked);
    if (!opened) note(source.abandon(closeMs));
    return stacked.at;
  }
}

/** The result of a model with its retries, and when it is known. */
interface Run {
  at: number;
  /** The attempt that is committed. */
  attempt?: ReferenceAttempt;
  /** The failure that ends the call. */
  refused?: string;
  /** It was stopped; otherwise its attempts are exhausted. */
  stopped?: boolean;
  /** When its first attempt began. */
  startedAt?: number | undefined;
  /** The number of attempts after which the store refused the model. */
  skippedAfter?: number;
}

/** The model to run next. With `forced`, admit() is not called again. */
interface Candidate {
  spec: ModelSpec;
  index: number;
  attempts: number;
  forced: boolean;
}

/** The models in order; then those that were skipped, in list order. */
class Candidates {
  readonly #skipped: Candidate[] = [];
  readonly #left: Candidate[];

  constructor(models: ModelSpec[]) {
    this.#left = models.map((spec, index) => ({
      spec,
      index,
      attempts: 0,
      forced: false,
    }));
  }

  get hasUnskipped(): boolean {
    return this.#left.length > 0;
  }

  get hasNext(): boolean {
    return this.hasUnskipped || this.#skipped.length > 0;
  }

  take(): Candidate {
    return this.#left.shift() ?? this.#skipped.shift()!;
  }

  skip(candidate: Candidate, attempts: number): void {
    this.#skipped.push({ ...candidate, attempts, forced: true });
    this.#skipped.sort((a, b) => a.index - b.index);
  }
}

/** The result of opening a call. */
interface Opened {
  at: number;
  error?: string;
  /** All models have failed. */
  allFailed?: boolean;
  /** It was stopped. */
  stopped?: boolean;
}

/** One call: the chain itself, and as a source of another chain. */
class Call implements Source {
  readonly nested: ExpectedRecord[];
  readonly #spec: ChainSpec;
  readonly #state: SharedState;
  /** What stops it from outside, as far as that is known in advance. */
  #stop: Stop;
  /** The attempts that are known to start: `lastModel` reads them. */
  #begun: ExpectedRecord[];
  #attempt: ReferenceAttempt | undefined;
  /** When an opening that failed or was stopped has settled. */
  #settledAt = 0;
  /** The store threw or was too slow, so the call does not wait for it again. */
  #isStoreSlow = false;
  /** When the losers of a hedge are closed. */
  #losersClosedAt = 0;
  #closedAt: number | undefined;
  #rejection: string | undefined;
  #closeErrorThrown = false;
  /** The result of a pull that came after the pull was stopped. */
  #lateResult: Pulled | undefined;

  constructor(
    spec: ChainSpec,
    state: SharedState,
    abort: Stop = NEVER,
    nested: ExpectedRecord[] = [],
  ) {
    this.#spec = spec;
    this.#state = state;
    this.#stop = abort;
    this.nested = this.#begun = nested;
  }

  get record(): ExpectedRecord {
    return this.#attempt!.record;
  }

  /** The number of chunks before its content, if none was pulled yet. */
  get preamble(): number {
    return this.#waiting - (this.record.times[2] === undefined ? 0 : 1);
  }

  /** The number of buffered chunks, here and in inner chains. */
  get #waiting(): number {
    const { buffered, source } = this.#attempt!;
    return buffered.length + (source instanceof Call ? source.#waiting : 0);
  }

  get isComplete(): boolean {
    const { source } = this.#attempt!;
    return this.#spec.options.isFinal && !this.#attempt!.isTruncated() ||
      source instanceof Call && source.isComplete;
  }

  /** When the stream that was opened, or was being opened, is closed. */
  get closedAt(): number {
    return this.#closedAt ?? this.#settledAt;
  }

  /** The model whose attempt was the last to start by then. */
  lastModel(at: number): string {
    const begun = this.#begun.filter(({ times }) => times[0]! <= at);
    if (begun.length === 0) return nameOf(this.#spec.models[0]!);
    return begun.reduce((a, b) => b.times[0]! >= a.times[0]! ? b : a).model;
  }

  #total(at: number): Stop {
    const { totalMs } = this.#spec.options;
    if (totalMs === undefined) return NEVER;
    const end = at + totalMs;
    return {
      at: end,
      outcome: "cancelled",
      error: () => `${this.lastModel(end)} timeout total ${totalMs}`,
    };
  }

  open(
    at: number,
    outerStop: Stop,
  ): { at: number; error?: string } | undefined {
    this.#stop = first(this.#stop, this.#total(at));
    const ends = first(this.#stop, outerStop);
    // The signal of an abandoned attempt always has a reason.
    const error = () => ends.error() ?? "closed";
    const stop = { at: ends.at, outcome: "cancelled", error };
    const result = this.#tryAll(at, stop);
    this.nested.sort((a, b) => a.times[0]! - b.times[0]!);
    this.#settledAt = result.at;
    if (result.stopped && ends === outerStop) return undefined;
    return isWithin(result.at, outerStop.at) ? result : undefined;
  }

  #tryAll(at: number, stop: Stop): Opened {
    return this.#spec.options.hedge
      ? this.#race(at, stop)
      : this.#sequence(at, stop);
  }

  #allFailed(at: number): Opened {
    const errors = this.nested.toSorted((a, b) => a.times[0]! - b.times[0]!)
      .filter((record) => record.outcome !== "lost" && !isSkipped(record))
      .map(({ error }) => error);
    return { at, error: `all[${errors.join()}]`, allFailed: true };
  }

  #sequence(at: number, stop: Stop): Opened {
    const candidates = new Candidates(this.#spec.models);
    while (candidates.hasNext) {
      const candidate = candidates.take();
      const run = this.#run(candidate, at, stop, this.#state, this.nested);
      at = run.at;
      if (run.attempt) this.#attempt = run.attempt;
      if (run.attempt) return { at };
      if (run.stopped) return { at, error: stop.error()!, stopped: true };
      if (run.refused !== undefined) return { at, error: run.refused };
      if (run.skippedAfter !== undefined) {
        candidates.skip(candidate, run.skippedAfter);
      }
    }
    return this.#allFailed(at);
  }

  /**
   * With hedges. A first run of each model, without interference, determines
   * when the others start and how the race ends. A second run stops there.
   */
  #race(at: number, stop: Stop): Opened {
    const { models, options } = this.#spec;
    const { afterMs, maxInFlight, tokens } = options.hedge!;
    if (options.health && models.some(isSlowToAdmit)) throw new Unspecified();
    const candidates = new Candidates(models);
    const started: { candidate: Candidate; at: number; run: Run }[] = [];
    const begun = [...this.nested];
    // One copy for all: a skipped model that is tried again runs its next script.
    const undisturbed = this.#state.copy();
    this.#begun = begun;
    let inFlight: typeof started = [];
    let nextHedgeAt = Infinity;
    const canStart = () =>
      inFlight.length < maxInFlight &&
      (candidates.hasUnskipped || candidates.hasNext &&
          inFlight.every(({ candidate }) => candidate.forced));
    const start = (at: number) => {
      const candidate = candidates.take();
      const run = this.#run(candidate, at, stop, undisturbed, begun);
      const one = { candidate, at, run };
      started.push(one);
      inFlight.push(one);
      nextHedgeAt = (run.startedAt ?? Infinity) + afterMs;
    };
    let ending = { ...stop, at: Infinity };
    let winner: typeof started[number] | undefined;
    let refused: string | undefined;
    start(at);
    while (inFlight.length > 0) {
      const next = inFlight.reduce((a, b) => {
        if (a.run.stopped || b.run.stopped) return a.run.stopped ? b : a;
        return isBefore(b.run.at, a.run.at) ? b : a;
      });
      const ends = next.run.stopped ? stop.at : next.run.at;
      if (next.run.stopped && isBefore(stop.at, nextHedgeAt)) {
        ending = stop;
        break;
      }
      if (isWithin(nextHedgeAt, ends) && isWithin(nextHedgeAt, stop.at)) {
        if (begun.some((record) => isBusyAt(record, nextHedgeAt))) {
          throw new Unspecified();
        }
        const isAllowed = canStart() &&
          (tokens === undefined || this.#state.use(options.hedge!) < tokens);
        if (isAllowed) start(nextHedgeAt);
        else nextHedgeAt = Infinity;
        continue;
      }
      if (ends === Infinity) throw new Unspecified();
      inFlight = inFlight.filter((one) => one !== next);
      if (next.run.attempt) {
        winner = next;
        ending = { at: ends, outcome: "lost", error: () => undefined };
        break;
      }
      if (next.run.refused !== undefined) {
        refused = next.run.refused;
        ending = { at: ends, outcome: "cancelled", error: () => refused };
        break;
      }
      const { skippedAfter } = next.run;
      if (skippedAfter !== undefined) {
        candidates.skip(next.candidate, skippedAfter);
      }
      if (canStart()) start(ends);
      else at = ends;
    }
    let closedAt = 0;
    const recordsPerRun: ExpectedRecord[][] = [];
    for (const one of started) {
      const runStop = inFlight.includes(one) ? ending : stop;
      const records: ExpectedRecord[] = [];
      const run = this.#run(
        one.candidate,
        one.at,
        runStop,
        this.#state,
        records,
      );
      recordsPerRun.push(records);
      if (one === winner) this.#attempt = run.attempt;
      else closedAt = Math.max(closedAt, run.at);
    }
    for (const [i, { at }] of started.entries()) {
      const others = recordsPerRun.toSpliced(i, 1).flat();
      // Two attempts start at once, and neither started the other: a tie.
      const isTied = recordsPerRun[i]!.some(({ times: [start] }) =>
        start !== at && others.some(({ times }) => times[0] === start)
      );
      if (isTied) throw new Unspecified();
    }
    this.nested.push(...recordsPerRun.flat());
    this.#begun = this.nested;
    if (winner) {
      this.#losersClosedAt = closedAt;
      return { at: ending.at };
    }
    if (ending.at === Infinity) return this.#allFailed(at);
    return {
      at: Math.max(closedAt, ending.at),
      error: ending.error()!,
      stopped: ending === stop,
    };
  }

  /** A model with its retries. */
  #run(
    { spec, attempts, forced }: Candidate,
    at: number,
    stop: Stop,
    state: SharedState,
    records: ExpectedRecord[],
  ): Run {
    const { options } = this.#spec;
    const { fallbackOn, retry } = options;
    let startedAt: number | undefined;
    for (let tries = attempts + 1;; tries++) {
      let canWait = tries > 1;
      for (;;) {
        const admitted = forced ? { at } : this.#admit(spec, at, stop, state);
        at = admitted.at;
        if (admitted.stopped) return { at, stopped: true, startedAt };
        if (admitted.refusedUntil === undefined) break;
        records.push(skipped(nameOf(spec), at, admitted.refusedUntil));
        const waitMs = Math.max(0, admitted.refusedUntil - at);
        if (!canWait || waitMs > retry!.maxDelayMs) {
          return { at, skippedAfter: tries - 1, startedAt };
        }
        canWait = false;
        at += waitMs;
        if (isWithin(stop.at, at)) {
          return { at: stop.at, stopped: true, startedAt };
        }
      }
      startedAt ??= at;
      const attempt = new ReferenceAttempt(spec, at, {
        options,
        records,
        state,
      });
      const ran = attempt.run(at, stop);
      if (ran.committed) return { at: ran.at, attempt, startedAt };
      at = ran.at;
      const error = attempt.record.error!;
      const { outcome } = attempt.record;
      if (outcome !== "failed" || isWithin(stop.at, at)) {
        return { at, stopped: true, startedAt };
      }
      at += fallbackOn?.slowMs ?? 0;
      if (isWithin(stop.at, at)) {
        return { at: stop.at, stopped: true, startedAt };
      }
      if (fallbackOn && isOdd(error)) {
        const thrown = fallbackOn.refuse === "odd by throwing";
        return {
          at,
          refused: thrown ? `both(condition,${error})` : error,
          startedAt,
        };
      }
      if (!retry || tries >= retry.maxAttempts || isFallbackError(error)) {
        return { at, startedAt };
      }
      const { minDelayMs, maxDelayMs } = retry;
      at += Math.min(maxDelayMs, minDelayMs * 2 ** (tries - 1));
      if (isWithin(stop.at, at)) {
        return { at: stop.at, stopped: true, startedAt };
      }
    }
  }

  /** Calls admit(): the decision, and when it comes or its timeout fires. */
  #admit(
    spec: ModelSpec,
    at: number,
    stop: Stop,
    state: SharedState,
  ): { at: number; stopped?: boolean; refusedUntil?: number | undefined } {
    if (!this.#spec.options.health) return { at };
    const { admissions = [] } = spec;
    const { gives, slowMs, retryInMs }: AdmissionSpec =
      admissions[state.use(admissions)] ?? { gives: "yes" };
    const name = nameOf(spec);
    state.health.push(`${at} ${name} admit`);
    const refusedUntil = gives !== "no"
      ? undefined
      : retryInMs === undefined
      ? RETRY_AT
      : at + retryInMs;
    if (slowMs === undefined && gives !== "no answer") {
      if (gives === "an error") this.#isStoreSlow = true;
      return { at, refusedUntil };
    }
    if (this.#isStoreSlow) return { at };
    const answersAt = gives === "no answer" ? Infinity : at + slowMs!;
    const limit = at + ADMIT_TIMEOUT_MS;
    const isInTime = isBefore(answersAt, limit);
    const end = isInTime ? answersAt : limit;
    if (!isWithin(stop.at, end)) {
      if (!isInTime || gives === "an error") this.#isStoreSlow = true;
      return { at: end, refusedUntil: isInTime ? refusedUntil : undefined };
    }
    // A probe that is admitted after the stop is released.
    if (gives === "yes") state.health.push(`${answersAt} ${name} released`);
    return { at: stop.at, stopped: true };
  }

  idleUntil(at: number): void {
    if (this.#closedAt !== undefined || !this.#attempt) return;
    const { at: stopAt, error } = this.#stop;
    const { source } = this.#attempt;
    if (!isWithin(stopAt, at)) return source.idleUntil(at);
    source.idleUntil(stopAt);
    this.abort(stopAt, error());
  }

  abort(at: number, error = "closed"): void {
    if (!this.#attempt || this.#closedAt !== undefined) return;
    this.#rejection = error;
    this.#end(at, "cancelled", error);
  }

  #end(
    at: number,
    outcome: string,
    error?: string,
    endedNaturally = this.#attempt!.exhausted,
  ): number {
    const attempt = this.#attempt!;
    if (outcome === "interrupted") attempt.report(at, `failure ${error}`);
    const closedAt = attempt.settle(at, outcome, error, { endedNaturally });
    return this.#closedAt = Math.max(closedAt, this.#losersClosedAt);
  }

  pull(at: number, outerStop: Stop): Pulled | undefined {
    this.idleUntil(at);
    const pulled = this.#pull(at, outerStop);
    if (pulled && isWithin(pulled.at, outerStop.at)) return pulled;
    this.#lateResult = pulled;
    return undefined;
  }

  #pull(at: number, outerStop: Stop): Pulled | undefined {
    const attempt = this.#attempt!;
    const { record } = attempt;
    if (this.#closedAt !== undefined) {
      const error = this.#rejection;
      this.#rejection = undefined;
      at = Math.max(at, this.#closedAt);
      return error === undefined ? { at, done: true } : { at, error };
    }
    const chunk = attempt.buffered.shift();
    if (chunk !== undefined) {
      record.chunks++;
      return { at, chunk };
    }
    if (attempt.exhausted) {
      return { at: this.#end(at, "completed"), done: true };
    }
    const limit = first(attempt.timeout("idle", at), this.#stop, outerStop);
    const pulled = attempt.source.pull(at, limit);
    const finish = (
      at: number,
      outcome: string,
      error: string,
      endedNaturally = false,
    ) => ({
      at: this.#end(at, outcome, error, endedNaturally),
      error,
    });
    if (!pulled) {
      if (limit.at === Infinity) throw new Unspecified();
      if (limit.at === outerStop.at) return undefined;
      return finish(limit.at, limit.outcome, limit.error()!);
    }
    at = pulled.at;
    if (!("chunk" in pulled)) attempt.exhausted = true;
    if ("error" in pulled) return finish(at, "interrupted", pulled.error);
    if ("done" in pulled) {
      return attempt.isTruncated()
        ? finish(at, "interrupted", `truncated ${record.model}`, true)
        : { at: this.#end(at, "completed"), done: true };
    }
    const wrong = attempt.check(pulled.chunk, false);
    if (wrong) return finish(at, "interrupted", wrong);
    record.chunks++;
    return pulled;
  }

  /** The result of a pull that was pending when the caller closed the stream. */
  lateResult(left: number): Pulled {
    const answer = this.#lateResult ?? { at: left, done: true as const };
    this.#lateResult = undefined;
    return answer;
  }

  /** The caller closes the stream. Returns when that is done. */
  leave(at: number): number {
    this.idleUntil(at);
    this.#rejection = undefined;
    if (this.#closedAt === undefined) this.#end(at, "cancelled");
    return Math.max(at, this.#closedAt!);
  }

  /** return() and disposal. The first of them throws the close errors. */
  return(at: number): Closed {
    const closedAt = this.leave(at);
    const errors = this.#attempt!.record.closeErrors
      .filter((error) => !error.includes(" timeout close "));
    if (this.#closeErrorThrown) return { at: closedAt, errors: [] };
    this.#closeErrorThrown = errors.length > 0;
    return { at: closedAt, errors };
  }

  steps(exhausted: boolean): ((at: number) => Closed)[] {
    return exhausted ? [] : [(at) => this.return(at)];
  }

  stack(): ((at: number) => Closed)[] {
    return [
      (at) =>
        this.#attempt
          ? this.return(at)
          : { at: Math.max(at, this.#settledAt), errors: [] },
    ];
  }

  abandon() {
    return { errors: [], late: false };
  }
}

/** A continued stream: an outer call around calls that run one after another. */
class Continued {
  readonly nested: ExpectedRecord[] = [];
  readonly #spec: ChainSpec;
  readonly #resume: ResumeSpec;
  readonly #state: SharedState;
  readonly #stop: Stop;
  readonly #parts: Call[] = [];
  /** The first pull, which opening the stream waits for. */
  #buffered: Pulled | undefined;
  /** The number of preamble chunks of the latest part that are still to come. */
  #skip = 0;
  /** After a stopped pull: maps the stop time to when the pull settles. */
  #busy: ((at: number) => number) | undefined;
  #hasEnded = false;
  #endedNaturally = false;
  #closedAt: number | undefined;
  #closeErrors: string[] = [];
  #rejection: string | undefined;
  #lateResult: Pulled | undefined;

  constructor(
    spec: ChainSpec,
    resume: ResumeSpec,
    state: SharedState,
    abort: Stop,
  ) {
    const { totalMs = Infinity, ...options } = spec.options;
    this.#spec = { ...spec, options: { ...options, totalMs: undefined } };
    this.#resume = resume;
    this.#state = state;
    this.#stop = first(abort, {
      at: totalMs,
      outcome: "cancelled",
      error: () => {
        const model = this.#parts.at(-1)!.lastModel(totalMs);
        return `${model} timeout total ${totalMs}`;
      },
    });
  }

  open(at: number): { at: number; error?: string } {
    const stop = this.#stop;
    const opened = this.#openPart(at, 0, stop);
    if (!opened) return { at: this.#end(stop), error: stop.error()! };
    if (opened.error !== undefined) return opened;
    this.#buffered = this.#step(opened.at, stop);
    if (!this.#buffered) return { at: this.#end(stop), error: stop.error()! };
    return { at: this.#buffered.at };
  }

  #openPart(at: number, from: number, outerStop: Stop) {
    const models = this.#spec.models.slice(from);
    const spec = { ...this.#spec, models };
    const part = new Call(spec, this.#state, NEVER, this.nested);
    this.#parts.push(part);
    this.#busy = () => part.closedAt;
    const opened = part.open(at, outerStop);
    if (opened) this.#busy = undefined;
    return opened;
  }

  /** One pull through all parts. */
  #step(at: number, outerStop: Stop): Pulled | undefined {
    for (;;) {
      const part = this.#parts.at(-1)!;
      const pulled = part.pull(at, outerStop);
      if (!pulled) {
        this.#busy = () => part.closedAt;
        return undefined;
      }
      at = pulled.at;
      if ("done" in pulled) this.#hasEnded = this.#endedNaturally = true;
      if ("chunk" in pulled && this.#skip-- > 0) continue;
      if (!("error" in pulled)) return pulled;
      const finish = (at: number, error: string) => {
        this.#hasEnded = true;
        return { at, error };
      };
      const { outcome, model } = part.record;
      const from = this.#spec.models
        .findIndex((spec) => nameOf(spec) === model) + 1;
      const isLast = from === this.#spec.models.length;
      if (outcome !== "interrupted" || part.isComplete || isLast) {
        return finish(at, pulled.error);
      }
      const { gives, slowMs = 0 } = this.#resume;
      if (isWithin(outerStop.at, at + slowMs)) {
        this.#busy = (at) => at;
        return undefined;
      }
      at += slowMs;
      if (gives === "nothing") return finish(at, pulled.error);
      if (gives === "an error") {
        return finish(at, `both(resume,${pulled.error})`);
      }
      const opened = this.#openPart(at, from, outerStop);
      if (!opened) return undefined;
      if (opened.error !== undefined) return finish(opened.at, opened.error);
      at = opened.at;
      this.#skip = this.#parts.at(-1)!.preamble;
    }
  }

  /** Ends and closes all parts. Returns when that is done. */
  #end({ at, error }: { at: number; error(): string | undefined }): number {
    if (at === Infinity) throw new Unspecified();
    const reason = error();
    const endedNaturally = this.#endedNaturally;
    if (!endedNaturally) this.#parts.at(-1)!.abort(at, reason);
    let closed: Closed = { at, errors: [] };
    const errors: string[] = [];
    if (this.#busy) closed.at = Math.max(at, this.#busy(at));
    else if (!this.#hasEnded) closed = this.#parts.at(-1)!.return(at);
    errors.push(...closed.errors);
    for (const part of this.#parts.toReversed()) {
      closed = part.stack()[0]!(closed.at);
      errors.push(...closed.errors);
    }
    this.#closeErrors = errors.filter((other) =>
      other !== reason && !(other === "AbortError" && !endedNaturally)
    );
    return this.#closedAt = closed.at;
  }

  #idleUntil(at: number): void {
    if (this.#closedAt !== undefined) return;
    const stop = this.#stop;
    if (!isWithin(stop.at, at)) return this.#parts.at(-1)!.idleUntil(at);
    this.#parts.at(-1)!.idleUntil(stop.at);
    this.#rejection = stop.error();
    this.#end(stop);
  }

  pull(at: number, outerStop: Stop): Pulled | undefined {
    this.#idleUntil(at);
    const pulled = this.#pull(at, outerStop);
    if (pulled && isWithin(pulled.at, outerStop.at)) return pulled;
    this.#lateResult = pulled;
    return undefined;
  }

  #pull(at: number, outerStop: Stop): Pulled | undefined {
    if (this.#closedAt !== undefined) {
      const error = this.#rejection;
      this.#rejection = undefined;
      at = Math.max(at, this.#closedAt);
      return error === undefined ? { at, done: true } : { at, error };
    }
    const buffered = this.#buffered;
    this.#buffered = undefined;
    if (buffered && "chunk" in buffered) return { ...buffered, at };
    const limit = first(this.#stop, outerStop);
    const pulled = buffered ? { ...buffered, at } : this.#step(at, limit);
    if (!pulled) {
      if (limit.at === Infinity) throw new Unspecified();
      if (limit.at === outerStop.at) return undefined;
      return { at: this.#end(limit), error: limit.error()! };
    }
    if ("chunk" in pulled) return pulled;
    const error = "error" in pulled ? pulled.error : undefined;
    return { ...pulled, at: this.#end({ at: pulled.at, error: () => error }) };
  }

  lateResult(left: number): Pulled {
    const answer = this.#lateResult ?? { at: left, done: true as const };
    this.#lateResult = undefined;
    return answer;
  }

  leave(at: number): number {
    this.#idleUntil(at);
    this.#rejection = undefined;
    if (this.#closedAt === undefined) this.#end({ at, error: () => undefined });
    return Math.max(at, this.#closedAt!);
  }

  return(at: number): Closed {
    const closedAt = this.leave(at);
    const errors = this.#closeErrors;
    this.#closeErrors = [];
    return { at: closedAt, errors };
  }
}

/** Whether `at` comes before `limit`. A tie is not specified. */
function isWithin(at: number, limit: number): boolean {
  return at !== Infinity && isBefore(at, limit);
}

/** Whether anything happens to an attempt, or inside it, at that time. */
function isBusyAt({ times, nested }: ExpectedRecord, at: number): boolean {
  return times.includes(at) ||
    (nested ?? []).some((inner) => isBusyAt(inner, at));
}

/** Whether the store may throw, or answer after `ADMIT_TIMEOUT_MS`. */
function isSlowToAdmit({ admissions = [] }: ModelSpec): boolean {
  return admissions.some(({ gives, slowMs = 0 }) =>
    gives === "an error" || gives === "no answer" || slowMs >= ADMIT_TIMEOUT_MS
  );
}

/** The record of a model whose circuit is open. */
function skipped(model: string, at: number, retryAt: number): ExpectedRecord {
  return {
    model,
    outcome: "skipped",
    chunks: 0,
    times: [at, undefined, undefined, at],
    error: `circuit ${model} ${retryAt}`,
    closeErrors: [],
  };
}

function isSkipped({ outcome }: ExpectedRecord): boolean {
  return outcome === "skipped";
}

/** Whether it is an error of the library itself; those are not retried. */
function isFallbackError(error: string): boolean {
  return /(^|[[,])(empty |truncated )| timeout /.test(error);
}

function isMeta(chunk: string): boolean {
  return chunk.split(" ")[1] === "meta";
}

function nameOf(spec: ModelSpec): string {
  return isChain(spec)
    ? `fallback:${spec.models.map(nameOf).join()}`
    : spec.name;
}

/**
 * Computes what must happen in a scenario.
 *
 * @throws {Unspecified} If the contract does not specify it.
 */
export function expectedResult(scenario: Scenario): ScenarioResult {
  const { chain, abortAt, resume } = scenario;
  const state = new SharedState();
  const abort = {
    at: abortAt ?? Infinity,
    outcome: "cancelled",
    error: () => "abort",
  };
  const call = resume
    ? new Continued(chain, resume, state, abort)
    : new Call(chain, state, abort);
  const caller = expectedCallerLog(call, scenario);
  const { fakes, health } = state;
  return { caller, records: call.nested, fakes, health };
}

/** Computes what the caller sees, and when. */
function expectedCallerLog(
  call: Call | Continued,
  { actions }: Scenario,
): string[] {
  const caller: string[] = [];
  const opened = call.open(0, NEVER);
  if (!opened) throw new Unspecified();
  let now = opened.at;
  if (opened.error !== undefined) {
    caller.push(`${now} refused: ${opened.error}`);
    return caller;
  }
  caller.push(`${now} opened`);
  const log = (pulled: Pulled): boolean => {
    const { at } = pulled;
    if ("chunk" in pulled) caller.push(`${at} ${pulled.chunk}`);
    else if ("done" in pulled) caller.push(`${at} done`);
    else caller.push(`${at} error: ${pulled.error}`);
    return "chunk" in pulled;
  };
  const pull = () => {
    const pulled = call.pull(now, NEVER)!;
    now = pulled.at;
    return log(pulled);
  };
  const leave = (way: Leave) => {
    const closed = way === "throw"
      ? { at: call.leave(now), errors: ["mine"] }
      : call.return(now);
    now = closed.at;
    caller.push(`${now} ${way}: ${closed.errors.join()}`);
  };
  for (const action of [...actions, { do: "dispose" } as const]) {
    switch (action.do) {
      case "wait":
        now += action.ms;
        break;
      case "pull":
        for (let i = 0; i < action.count; i++) pull();
        break;
      case "drain":
        while (pull());
        break;
      case "pull, then": {
        const then = now + action.ms;
        const pulled = call.pull(now, { ...NEVER, at: then });
        if (pulled) log(pulled);
        now = then;
        leave(action.then);
        if (!pulled) log(call.lateResult(now));
        break;
      }
      default:
        leave(action.do);
    }
  }
  return caller;
}
