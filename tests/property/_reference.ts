// The reference model: what must happen, computed without promises. It is small and
// slow, and shares no code with the engine. Time is a number that is passed along.
// When and why a step is interrupted (`Cut`) is passed to it beforehand. Scenarios in
// which two things happen in the same millisecond are left out.

import {
  type AdmissionSpec,
  type ChainSpec,
  type CloseStep,
  type FakeSpec,
  isChain,
  isOdd,
  type Leave,
  type ModelSpec,
  type Observation,
  type OptionsSpec,
  type RecordObservation,
  type ResumeSpec,
  RETRY_AT,
  type Scenario,
  type Step,
} from "./_scenario.ts";

/** The rules do not say what happens: two things at once, or nothing ever. */
export class Silent extends Error {}

/** How long a health store may think. */
const PATIENCE_MS = 250;

/** When something is cut short, and what that makes of it. */
interface Cut {
  at: number;
  outcome: string;
  error: () => string | undefined;
}

const NEVER: Cut = { at: Infinity, outcome: "never", error: () => undefined };

/** What outlives an attempt: the lines of the observation, and what is used up. */
class World {
  readonly fakes: string[][] = [];
  readonly health: string[] = [];
  readonly #used = new Map<object, number>();

  /** How often it was used before. */
  use(thing: object): number {
    const used = this.#used.get(thing) ?? 0;
    this.#used.set(thing, used + 1);
    return used;
  }

  /** One in which something can be tried. */
  copy(): World {
    const copy = new World();
    for (const [thing, used] of this.#used) copy.#used.set(thing, used);
    return copy;
  }
}

/** What pulling gives: a chunk, the end, or an error; `undefined` if it was cut. */
type Pulled =
  | { at: number; chunk: string }
  | { at: number; done: true }
  | { at: number; error: string };

/** How one step of closing ends; `at` may be never. */
interface Closed {
  at: number;
  errors: string[];
}

function isBefore(a: number, b: number): boolean {
  if (a === b && a !== Infinity) throw new Silent();
  return a < b;
}

function first(...cuts: Cut[]): Cut {
  return cuts.reduce((a, b) => isBefore(b.at, a.at) ? b : a);
}

/** One stream() of a model, whatever it is. */
interface Source {
  /** An inner chain's records. */
  readonly nested: RecordObservation[] | undefined;
  /** Opens it: when that has succeeded or failed, unless it is cut before. */
  open(at: number, cut: Cut): { at: number; error?: string } | undefined;
  pull(at: number, cut: Cut): Pulled | undefined;
  /** Lets it be until `at`, while nobody pulls. */
  rest(at: number): void;
  /** Its attempt's signal aborts. */
  abort(at: number, error: string | undefined): void;
  /** The steps 2 and 3 of closing; `exhausted` if it ended or threw by itself. */
  steps(exhausted: boolean): ((at: number) => Closed)[];
  /** Step 4. */
  stack(): ((at: number) => Closed)[];
  /** It was given up before it was open: what becomes of it, out of sight. */
  forget(closeMs: number): { errors: string[]; late: boolean };
}

/** Takes one step after the other, at most until the limit. */
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

/** When steps of a fake's closing are through, and what they throw. */
function perform(steps: CloseStep[], at: number): Closed & { ok: boolean } {
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
  /** When the wait is over that a pull, or the opening, was cut in. */
  #busyUntil: number | undefined;

  constructor(spec: FakeSpec, at: number, world: World) {
    this.#spec = spec;
    this.#script = spec.scripts[world.use(spec)] ?? spec.scripts.at(-1)!;
    this.#lines = [`${at} call ${spec.name}`];
    world.fakes.push(this.#lines);
  }

  open(at: number, cut: Cut): { at: number; error?: string } | undefined {
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
      if (!isBefore(next, cut.at)) {
        this.#place++;
        this.#busyUntil = next;
        return undefined;
      }
      at = next;
    }
    this.#lines.push(`${at} open`);
    return { at };
  }

  pull(at: number, cut: Cut): Pulled | undefined {
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
          if (!isBefore(next, cut.at)) {
            this.#busyUntil = next;
            return undefined;
          }
          at = next;
        }
      }
    }
    return { at, done: true };
  }

  rest(): void {}

  abort(at: number, error: string | undefined): void {
    this.#aborted = true;
    this.#lines.push(`${at} abort ${error ?? "closed"}`);
  }

  #close(way: string, steps: CloseStep[] | undefined, at: number): Closed {
    this.#lines.push(`${at} close ${way}`);
    const closed = perform(steps ?? [], at);
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

  /** When a generator gets to its return(). */
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

  forget(closeMs: number): { errors: string[]; late: boolean } {
    const nothing = { errors: [], late: false };
    const busy = this.#busyUntil;
    if (!this.#spec.ignoresAbort || busy === undefined) return nothing;
    if (busy === Infinity) return nothing;
    const opened = this.open(busy, NEVER);
    if (!opened || opened.error !== undefined) return nothing;
    return closeWithin(opened.at, closeMs, this.steps(false));
  }
}

/** One attempt: opening, holding, and closing. */
class Trial {
  readonly record: RecordObservation;
  readonly source: Source;
  readonly held: string[] = [];
  exhausted = false;
  readonly #options: OptionsSpec;
  readonly #world: World;
  #final = false;

  constructor(
    spec: ModelSpec,
    at: number,
    { options, records, world }: {
      options: OptionsSpec;
      records: RecordObservation[];
      world: World;
    },
  ) {
    this.#options = options;
    this.#world = world;
    this.source = isChain(spec)
      ? new Call(spec, world)
      : new Fake(spec, at, world);
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
  timeout(phase: "open" | "firstContent" | "idle", at: number): Cut {
    const ms = this.#options[`${phase}Ms`];
    return {
      at: ms === undefined ? Infinity : at + ms,
      outcome: phase === "idle" ? "interrupted" : "failed",
      error: () => `${this.record.model} timeout ${phase} ${ms}`,
    };
  }

  /** Runs until it is committed, or is over and closed. */
  run(at: number, stop: Cut): { at: number; committed: boolean } {
    const { record, source } = this;
    const over = (
      at: number,
      error: string | undefined,
      { outcome = "failed", opened = true, natural = false } = {},
    ) => {
      if (outcome === "failed") this.report(at, `failure ${error}`);
      else this.report(at, "released");
      const closedAt = this.settle(at, outcome, error, { opened, natural });
      return { at: closedAt, committed: false };
    };
    const content = this.timeout("firstContent", at);
    const opening = first(this.timeout("open", at), content, stop);
    const opened = source.open(at, opening);
    if (!opened) {
      const { outcome } = opening;
      return over(opening.at, opening.error(), { outcome, opened: false });
    }
    at = opened.at;
    if (opened.error !== undefined) {
      return over(at, opened.error, { opened: false });
    }
    record.times[1] = at;
    const holding = first(content, stop);
    for (;;) {
      const pulled = source.pull(at, holding);
      if (!pulled) {
        const { outcome } = holding;
        return over(holding.at, holding.error(), { outcome });
      }
      at = pulled.at;
      if (!("chunk" in pulled)) this.exhausted = true;
      if ("error" in pulled) return over(at, pulled.error);
      if ("done" in pulled) {
        const wrong = this.isCut()
          ? "truncated"
          : !this.#options.allowEmpty
          ? "empty"
          : undefined;
        if (wrong) {
          return over(at, `${wrong} ${record.model}`, { natural: true });
        }
        break;
      }
      const wrong = this.failureOfPredicates(pulled.chunk, true);
      if (wrong) return over(at, wrong);
      this.held.push(pulled.chunk);
      if (this.#options.isContent && isMeta(pulled.chunk)) continue;
      record.times[2] = at;
      break;
    }
    record.outcome = "streaming";
    this.report(at, "success");
    return { at, committed: true };
  }

  /** Tells the chain's health store, if it has one. */
  report(at: number, line: string): void {
    if (!this.#options.health) return;
    this.#world.health.push(`${at} ${this.record.model} ${line}`);
  }

  /** Calls the predicates with a chunk; returns what they throw, if they do. */
  failureOfPredicates(
    chunk: string,
    beforeContent: boolean,
  ): string | undefined {
    const { isContent, isFinal } = this.#options;
    const [, kind] = chunk.split(" ");
    if (isFinal && kind === "bad") return "isFinal";
    if (isFinal && kind === "stop") this.#final = true;
    return beforeContent && isContent && kind === "odd"
      ? "isContent"
      : undefined;
  }

  isCut(): boolean {
    return this.#options.isFinal && !this.#final;
  }

  /** Ends the attempt and closes it: the time when that is done. */
  settle(
    at: number,
    outcome: string,
    error: string | undefined,
    { opened = true, natural = false },
  ): number {
    const { record, source } = this;
    const { closeMs } = this.#options;
    record.outcome = outcome;
    record.times[3] = at;
    if (error !== undefined) record.error = error;
    if (!natural) {
      source.abort(at, error === "undefined" ? undefined : error);
    }
    const isEcho = (other: string) =>
      other === error || (other === "AbortError" && !natural);
    const late = `${record.model} timeout close ${closeMs}`;
    const note = (closed: { errors: string[]; late: boolean }) => {
      record.closeErrors.push(...closed.errors.filter((e) => !isEcho(e)));
      if (closed.late) record.closeErrors.push(late);
    };
    const steps = opened ? source.steps(this.exhausted) : [];
    const closed = closeWithin(at, closeMs, steps);
    note(closed);
    const stacked = closeWithin(closed.at, closeMs, source.stack());
    note(stacked);
    if (!opened) note(source.forget(closeMs));
    return stacked.at;
  }
}

/** What a model with its retries has come to, and when. */
interface Run {
  at: number;
  /** The attempt that is committed. */
  trial?: Trial;
  /** The failure that ends the call. */
  refused?: string;
  /** It was cut; else its attempts are exhausted. */
  cut?: boolean;
  /** When its first attempt began. */
  startedAt?: number | undefined;
  /** The store has refused it after so many attempts. */
  skippedAfter?: number;
}

/** The next model to try: with `forced`, `admit()` is not called again. */
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

/** What opening a call has come to. */
interface Opened {
  at: number;
  error?: string;
  /** No model is left. */
  isExhausted?: boolean;
  /** It was stopped. */
  cut?: boolean;
}

/** One call: the chain itself, and as a source of another chain. */
class Call implements Source {
  readonly nested: RecordObservation[];
  readonly #spec: ChainSpec;
  readonly #world: World;
  /** What ends it from outside, as far as that is known beforehand. */
  #stop: Cut;
  /** The attempts that are known to begin, for who is the last by then. */
  #begun: RecordObservation[];
  #trial: Trial | undefined;
  /** When an opening that failed or was cut has come to its end. */
  #settledAt = 0;
  /** The store has thrown or was too slow: it is not waited for again. */
  #isStoreSlow = false;
  /** When the losers of a hedge are closed. */
  #losersClosedAt = 0;
  #closedAt: number | undefined;
  #rejection: string | undefined;
  #closeErrorThrown = false;
  /** What a pull was answered after it had been cut. */
  #lateAnswer: Pulled | undefined;

  constructor(
    spec: ChainSpec,
    world: World,
    abort: Cut = NEVER,
    nested: RecordObservation[] = [],
  ) {
    this.#spec = spec;
    this.#world = world;
    this.#stop = abort;
    this.nested = this.#begun = nested;
  }

  get record(): RecordObservation {
    return this.#trial!.record;
  }

  /** How many chunks come before its content, where none was pulled yet. */
  get preamble(): number {
    return this.#waiting - (this.record.times[2] === undefined ? 0 : 1);
  }

  /** How many chunks wait to be pulled: here, and in chains within. */
  get #waiting(): number {
    const { held, source } = this.#trial!;
    return held.length + (source instanceof Call ? source.#waiting : 0);
  }

  get isComplete(): boolean {
    const { source } = this.#trial!;
    return this.#spec.options.isFinal && !this.#trial!.isCut() ||
      source instanceof Call && source.isComplete;
  }

  /** When what was opened, or was being opened, is closed. */
  get closedAt(): number {
    return this.#closedAt ?? this.#settledAt;
  }

  /** The model that was called last by then. */
  lastModel(at: number): string {
    const begun = this.#begun.filter(({ times }) => times[0]! <= at);
    if (begun.length === 0) return nameOf(this.#spec.models[0]!);
    return begun.reduce((a, b) => b.times[0]! >= a.times[0]! ? b : a).model;
  }

  #total(at: number): Cut {
    const { totalMs } = this.#spec.options;
    if (totalMs === undefined) return NEVER;
    const end = at + totalMs;
    return {
      at: end,
      outcome: "cancelled",
      error: () => `${this.lastModel(end)} timeout total ${totalMs}`,
    };
  }

  open(at: number, cut: Cut): { at: number; error?: string } | undefined {
    this.#stop = first(this.#stop, this.#total(at));
    const ends = first(this.#stop, cut);
    // An attempt that is given up without an error has a signal with a reason.
    const error = () => ends.error() ?? "closed";
    const stop = { at: ends.at, outcome: "cancelled", error };
    const result = this.#tryAll(at, stop);
    this.nested.sort((a, b) => a.times[0]! - b.times[0]!);
    this.#settledAt = result.at;
    if (result.cut && ends === cut) return undefined;
    return isWithin(result.at, cut.at) ? result : undefined;
  }

  #tryAll(at: number, stop: Cut): Opened {
    return this.#spec.options.hedge
      ? this.#race(at, stop)
      : this.#sequence(at, stop);
  }

  #allFailed(at: number): Opened {
    const errors = this.nested.toSorted((a, b) => a.times[0]! - b.times[0]!)
      .filter((record) => record.outcome !== "lost" && !isSkipped(record))
      .map(({ error }) => error);
    return { at, error: `all[${errors.join()}]`, isExhausted: true };
  }

  #sequence(at: number, stop: Cut): Opened {
    const candidates = new Candidates(this.#spec.models);
    while (candidates.hasNext) {
      const candidate = candidates.take();
      const run = this.#run(candidate, at, stop, this.#world, this.nested);
      at = run.at;
      if (run.trial) this.#trial = run.trial;
      if (run.trial) return { at };
      if (run.cut) return { at, error: stop.error()!, cut: true };
      if (run.refused !== undefined) return { at, error: run.refused };
      if (run.skippedAfter !== undefined) {
        candidates.skip(candidate, run.skippedAfter);
      }
    }
    return this.#allFailed(at);
  }

  /**
   * With hedges: what each model would do if nobody disturbed it says when the
   * others start and how the race ends. Then it is run once more, up to there.
   */
  #race(at: number, stop: Cut): Opened {
    const { models, options } = this.#spec;
    const { afterMs, maxInFlight, tokens } = options.hedge!;
    if (options.health && models.some(isSlowToAdmit)) throw new Silent();
    const candidates = new Candidates(models);
    const started: { candidate: Candidate; at: number; run: Run }[] = [];
    const begun = [...this.nested];
    // One for all: a skipped model that is tried again plays its next script.
    const undisturbed = this.#world.copy();
    this.#begun = begun;
    let running: typeof started = [];
    let alarm = Infinity;
    const canStart = () =>
      running.length < maxInFlight &&
      (candidates.hasUnskipped || candidates.hasNext &&
          running.every(({ candidate }) => candidate.forced));
    const start = (at: number) => {
      const candidate = candidates.take();
      const run = this.#run(candidate, at, stop, undisturbed, begun);
      const one = { candidate, at, run };
      started.push(one);
      running.push(one);
      alarm = (run.startedAt ?? Infinity) + afterMs;
    };
    let ending = { ...stop, at: Infinity };
    let winner: typeof started[number] | undefined;
    let refused: string | undefined;
    start(at);
    while (running.length > 0) {
      const next = running.reduce((a, b) => {
        if (a.run.cut || b.run.cut) return a.run.cut ? b : a;
        return isBefore(b.run.at, a.run.at) ? b : a;
      });
      const ends = next.run.cut ? stop.at : next.run.at;
      if (next.run.cut && isBefore(stop.at, alarm)) {
        ending = stop;
        break;
      }
      if (isWithin(alarm, ends) && isWithin(alarm, stop.at)) {
        if (begun.some((record) => isBusyAt(record, alarm))) throw new Silent();
        const isAllowed = canStart() &&
          (tokens === undefined || this.#world.use(options.hedge!) < tokens);
        if (isAllowed) start(alarm);
        else alarm = Infinity;
        continue;
      }
      if (ends === Infinity) throw new Silent();
      running = running.filter((one) => one !== next);
      if (next.run.trial) {
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
    const apart: RecordObservation[][] = [];
    for (const one of started) {
      const cut = running.includes(one) ? ending : stop;
      const records: RecordObservation[] = [];
      const run = this.#run(one.candidate, one.at, cut, this.#world, records);
      apart.push(records);
      if (one === winner) this.#trial = run.trial;
      else closedAt = Math.max(closedAt, run.at);
    }
    for (const [i, { at }] of started.entries()) {
      const others = apart.toSpliced(i, 1).flat();
      // Which of two comes first that were not started by one another?
      const isTied = apart[i]!.some(({ times: [start] }) =>
        start !== at && others.some(({ times }) => times[0] === start)
      );
      if (isTied) throw new Silent();
    }
    this.nested.push(...apart.flat());
    this.#begun = this.nested;
    if (winner) {
      this.#losersClosedAt = closedAt;
      return { at: ending.at };
    }
    if (ending.at === Infinity) return this.#allFailed(at);
    return {
      at: Math.max(closedAt, ending.at),
      error: ending.error()!,
      cut: ending === stop,
    };
  }

  /** A model with its retries. */
  #run(
    { spec, attempts, forced }: Candidate,
    at: number,
    stop: Cut,
    world: World,
    records: RecordObservation[],
  ): Run {
    const { options } = this.#spec;
    const { fallbackOn, retry } = options;
    let startedAt: number | undefined;
    for (let tries = attempts + 1;; tries++) {
      let canWait = tries > 1;
      for (;;) {
        const admitted = forced ? { at } : this.#admit(spec, at, stop, world);
        at = admitted.at;
        if (admitted.cut) return { at, cut: true };
        if (admitted.refusedUntil === undefined) break;
        records.push(skipped(nameOf(spec), at, admitted.refusedUntil));
        const waitMs = Math.max(0, admitted.refusedUntil - at);
        if (!canWait || waitMs > retry!.maxDelayMs) {
          return { at, skippedAfter: tries - 1, startedAt };
        }
        canWait = false;
        at += waitMs;
        if (isWithin(stop.at, at)) return { at: stop.at, cut: true };
      }
      startedAt ??= at;
      const trial = new Trial(spec, at, { options, records, world });
      const ran = trial.run(at, stop);
      if (ran.committed) return { at: ran.at, trial, startedAt };
      at = ran.at;
      const error = trial.record.error!;
      const { outcome } = trial.record;
      if (outcome !== "failed" || isWithin(stop.at, at)) {
        return { at, cut: true, startedAt };
      }
      at += fallbackOn?.slowMs ?? 0;
      if (isWithin(stop.at, at)) return { at: stop.at, cut: true, startedAt };
      if (fallbackOn && isOdd(error)) {
        const thrown = fallbackOn.refuse === "odd by throwing";
        return {
          at,
          refused: thrown ? `both(condition,${error})` : error,
          startedAt,
        };
      }
      if (!retry || tries >= retry.maxAttempts || isOurOwn(error)) {
        return { at, startedAt };
      }
      const { minDelayMs, maxDelayMs } = retry;
      at += Math.min(maxDelayMs, minDelayMs * 2 ** (tries - 1));
      if (isWithin(stop.at, at)) return { at: stop.at, cut: true, startedAt };
    }
  }

  /** What the health store says, and when that is known or not waited for. */
  #admit(
    spec: ModelSpec,
    at: number,
    stop: Cut,
    world: World,
  ): { at: number; cut?: boolean; refusedUntil?: number | undefined } {
    if (!this.#spec.options.health) return { at };
    const { admissions = [] } = spec;
    const { gives, slowMs, retryInMs }: AdmissionSpec =
      admissions[world.use(admissions)] ?? { gives: "yes" };
    const name = nameOf(spec);
    world.health.push(`${at} ${name} admit`);
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
    const limit = at + PATIENCE_MS;
    const isInTime = isBefore(answersAt, limit);
    const end = isInTime ? answersAt : limit;
    if (!isWithin(stop.at, end)) {
      if (!isInTime || gives === "an error") this.#isStoreSlow = true;
      return { at: end, refusedUntil: isInTime ? refusedUntil : undefined };
    }
    // A probe that nobody needs any more is given back when it comes.
    if (gives === "yes") world.health.push(`${answersAt} ${name} released`);
    return { at: stop.at, cut: true };
  }

  rest(at: number): void {
    if (this.#closedAt !== undefined || !this.#trial) return;
    const { at: stopAt, error } = this.#stop;
    const { source } = this.#trial;
    if (!isWithin(stopAt, at)) return source.rest(at);
    source.rest(stopAt);
    this.abort(stopAt, error());
  }

  abort(at: number, error = "closed"): void {
    if (!this.#trial || this.#closedAt !== undefined) return;
    this.#rejection = error;
    this.#end(at, "cancelled", error);
  }

  #end(
    at: number,
    outcome: string,
    error?: string,
    natural = this.#trial!.exhausted,
  ): number {
    const trial = this.#trial!;
    if (outcome === "interrupted") trial.report(at, `failure ${error}`);
    const closedAt = trial.settle(at, outcome, error, { natural });
    return this.#closedAt = Math.max(closedAt, this.#losersClosedAt);
  }

  pull(at: number, cut: Cut): Pulled | undefined {
    this.rest(at);
    const pulled = this.#pull(at, cut);
    if (pulled && isWithin(pulled.at, cut.at)) return pulled;
    this.#lateAnswer = pulled;
    return undefined;
  }

  #pull(at: number, cut: Cut): Pulled | undefined {
    const trial = this.#trial!;
    const { record } = trial;
    if (this.#closedAt !== undefined) {
      const error = this.#rejection;
      this.#rejection = undefined;
      at = Math.max(at, this.#closedAt);
      return error === undefined ? { at, done: true } : { at, error };
    }
    const chunk = trial.held.shift();
    if (chunk !== undefined) {
      record.chunks++;
      return { at, chunk };
    }
    if (trial.exhausted) return { at: this.#end(at, "completed"), done: true };
    const limit = first(trial.timeout("idle", at), this.#stop, cut);
    const pulled = trial.source.pull(at, limit);
    const over = (
      at: number,
      outcome: string,
      error: string,
      natural = false,
    ) => ({
      at: this.#end(at, outcome, error, natural),
      error,
    });
    if (!pulled) {
      if (limit.at === Infinity) throw new Silent();
      if (limit.at === cut.at) return undefined;
      return over(limit.at, limit.outcome, limit.error()!);
    }
    at = pulled.at;
    if (!("chunk" in pulled)) trial.exhausted = true;
    if ("error" in pulled) return over(at, "interrupted", pulled.error);
    if ("done" in pulled) {
      return trial.isCut()
        ? over(at, "interrupted", `truncated ${record.model}`, true)
        : { at: this.#end(at, "completed"), done: true };
    }
    const wrong = trial.failureOfPredicates(pulled.chunk, false);
    if (wrong) return over(at, "interrupted", wrong);
    record.chunks++;
    return pulled;
  }

  /** The answer to a pull that was pending when the caller left. */
  lateAnswer(left: number): Pulled {
    const answer = this.#lateAnswer ?? { at: left, done: true as const };
    this.#lateAnswer = undefined;
    return answer;
  }

  /** The caller leaves: when that is done. */
  leave(at: number): number {
    this.rest(at);
    this.#rejection = undefined;
    if (this.#closedAt === undefined) this.#end(at, "cancelled");
    return Math.max(at, this.#closedAt!);
  }

  /** return() and disposal, which throw what closing threw, once. */
  return(at: number): Closed {
    const closedAt = this.leave(at);
    const errors = this.#trial!.record.closeErrors
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
        this.#trial
          ? this.return(at)
          : { at: Math.max(at, this.#settledAt), errors: [] },
    ];
  }

  forget() {
    return { errors: [], late: false };
  }
}

/** An answer that is continued: calls one after the other, and one around. */
class Continued {
  readonly nested: RecordObservation[] = [];
  readonly #spec: ChainSpec;
  readonly #resume: ResumeSpec;
  readonly #world: World;
  readonly #stop: Cut;
  readonly #parts: Call[] = [];
  /** What was pulled to see that there is an answer. */
  #held: Pulled | undefined;
  /** How much of the latest part is still preamble. */
  #skip = 0;
  /** Where a pull was cut: when it comes to its end then. */
  #busy: ((at: number) => number) | undefined;
  #isOver = false;
  #natural = false;
  #closedAt: number | undefined;
  #closeErrors: string[] = [];
  #rejection: string | undefined;
  #lateAnswer: Pulled | undefined;

  constructor(spec: ChainSpec, resume: ResumeSpec, world: World, abort: Cut) {
    const { totalMs = Infinity, ...options } = spec.options;
    this.#spec = { ...spec, options: { ...options, totalMs: undefined } };
    this.#resume = resume;
    this.#world = world;
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
    this.#held = this.#step(opened.at, stop);
    if (!this.#held) return { at: this.#end(stop), error: stop.error()! };
    return { at: this.#held.at };
  }

  #openPart(at: number, from: number, cut: Cut) {
    const models = this.#spec.models.slice(from);
    const spec = { ...this.#spec, models };
    const part = new Call(spec, this.#world, NEVER, this.nested);
    this.#parts.push(part);
    this.#busy = () => part.closedAt;
    const opened = part.open(at, cut);
    if (opened) this.#busy = undefined;
    return opened;
  }

  /** One pull through all parts. */
  #step(at: number, cut: Cut): Pulled | undefined {
    for (;;) {
      const part = this.#parts.at(-1)!;
      const pulled = part.pull(at, cut);
      if (!pulled) {
        this.#busy = () => part.closedAt;
        return undefined;
      }
      at = pulled.at;
      if ("done" in pulled) this.#isOver = this.#natural = true;
      if ("chunk" in pulled && this.#skip-- > 0) continue;
      if (!("error" in pulled)) return pulled;
      const over = (at: number, error: string) => {
        this.#isOver = true;
        return { at, error };
      };
      const { outcome, model } = part.record;
      const from = this.#spec.models
        .findIndex((spec) => nameOf(spec) === model) + 1;
      const isLast = from === this.#spec.models.length;
      if (outcome !== "interrupted" || part.isComplete || isLast) {
        return over(at, pulled.error);
      }
      const { gives, slowMs = 0 } = this.#resume;
      if (isWithin(cut.at, at + slowMs)) {
        this.#busy = (at) => at;
        return undefined;
      }
      at += slowMs;
      if (gives === "nothing") return over(at, pulled.error);
      if (gives === "an error") return over(at, `both(resume,${pulled.error})`);
      const opened = this.#openPart(at, from, cut);
      if (!opened) return undefined;
      if (opened.error !== undefined) return over(opened.at, opened.error);
      at = opened.at;
      this.#skip = this.#parts.at(-1)!.preamble;
    }
  }

  /** Ends and closes all: the time when that is done. */
  #end({ at, error }: { at: number; error(): string | undefined }): number {
    if (at === Infinity) throw new Silent();
    const reason = error();
    const natural = this.#natural;
    if (!natural) this.#parts.at(-1)!.abort(at, reason);
    let closed: Closed = { at, errors: [] };
    const errors: string[] = [];
    if (this.#busy) closed.at = Math.max(at, this.#busy(at));
    else if (!this.#isOver) closed = this.#parts.at(-1)!.return(at);
    errors.push(...closed.errors);
    for (const part of this.#parts.toReversed()) {
      closed = part.stack()[0]!(closed.at);
      errors.push(...closed.errors);
    }
    this.#closeErrors = errors.filter((other) =>
      other !== reason && !(other === "AbortError" && !natural)
    );
    return this.#closedAt = closed.at;
  }

  #rest(at: number): void {
    if (this.#closedAt !== undefined) return;
    const stop = this.#stop;
    if (!isWithin(stop.at, at)) return this.#parts.at(-1)!.rest(at);
    this.#parts.at(-1)!.rest(stop.at);
    this.#rejection = stop.error();
    this.#end(stop);
  }

  pull(at: number, cut: Cut): Pulled | undefined {
    this.#rest(at);
    const pulled = this.#pull(at, cut);
    if (pulled && isWithin(pulled.at, cut.at)) return pulled;
    this.#lateAnswer = pulled;
    return undefined;
  }

  #pull(at: number, cut: Cut): Pulled | undefined {
    if (this.#closedAt !== undefined) {
      const error = this.#rejection;
      this.#rejection = undefined;
      at = Math.max(at, this.#closedAt);
      return error === undefined ? { at, done: true } : { at, error };
    }
    const held = this.#held;
    this.#held = undefined;
    if (held && "chunk" in held) return { ...held, at };
    const limit = first(this.#stop, cut);
    const pulled = held ? { ...held, at } : this.#step(at, limit);
    if (!pulled) {
      if (limit.at === Infinity) throw new Silent();
      if (limit.at === cut.at) return undefined;
      return { at: this.#end(limit), error: limit.error()! };
    }
    if ("chunk" in pulled) return pulled;
    const error = "error" in pulled ? pulled.error : undefined;
    return { ...pulled, at: this.#end({ at: pulled.at, error: () => error }) };
  }

  lateAnswer(left: number): Pulled {
    const answer = this.#lateAnswer ?? { at: left, done: true as const };
    this.#lateAnswer = undefined;
    return answer;
  }

  leave(at: number): number {
    this.#rest(at);
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

/** Whether something has happened by then; at the same time says nothing. */
function isWithin(at: number, limit: number): boolean {
  return at !== Infinity && isBefore(at, limit);
}

/** Whether anything happens to an attempt, or inside it, at that time. */
function isBusyAt({ times, nested }: RecordObservation, at: number): boolean {
  return times.includes(at) ||
    (nested ?? []).some((inner) => isBusyAt(inner, at));
}

/** Whether the store may throw, or answer too late to be waited for. */
function isSlowToAdmit({ admissions = [] }: ModelSpec): boolean {
  return admissions.some(({ gives, slowMs = 0 }) =>
    gives === "an error" || gives === "no answer" || slowMs >= PATIENCE_MS
  );
}

/** The record of a model whose circuit is open. */
function skipped(
  model: string,
  at: number,
  retryAt: number,
): RecordObservation {
  return {
    model,
    outcome: "skipped",
    chunks: 0,
    times: [at, undefined, undefined, at],
    error: `circuit ${model} ${retryAt}`,
    closeErrors: [],
  };
}

function isSkipped({ outcome }: RecordObservation): boolean {
  return outcome === "skipped";
}

/** Errors of the library itself, which are not retried. */
function isOurOwn(error: string): boolean {
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
 * What must happen in a scenario.
 *
 * @throws {Silent} If the rules do not say.
 */
export function expectedObservation(scenario: Scenario): Observation {
  const { chain, abortAt, resume } = scenario;
  const world = new World();
  const abort = {
    at: abortAt ?? Infinity,
    outcome: "cancelled",
    error: () => "abort",
  };
  const call = resume
    ? new Continued(chain, resume, world, abort)
    : new Call(chain, world, abort);
  const caller = callerStory(call, scenario);
  const { fakes, health } = world;
  return { caller, records: call.nested, fakes, health };
}

/** What the caller sees. */
function callerStory(
  call: Call | Continued,
  { actions }: Scenario,
): string[] {
  const caller: string[] = [];
  const opened = call.open(0, NEVER);
  if (!opened) throw new Silent();
  let now = opened.at;
  if (opened.error !== undefined) {
    caller.push(`${now} refused: ${opened.error}`);
    return caller;
  }
  caller.push(`${now} opened`);
  const deliver = (pulled: Pulled): boolean => {
    const { at } = pulled;
    if ("chunk" in pulled) caller.push(`${at} ${pulled.chunk}`);
    else if ("done" in pulled) caller.push(`${at} done`);
    else caller.push(`${at} error: ${pulled.error}`);
    return "chunk" in pulled;
  };
  const pull = () => {
    const pulled = call.pull(now, NEVER)!;
    now = pulled.at;
    return deliver(pulled);
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
        if (pulled) deliver(pulled);
        now = then;
        leave(action.then);
        if (!pulled) deliver(call.lateAnswer(now));
        break;
      }
      default:
        leave(action.do);
    }
  }
  return caller;
}
