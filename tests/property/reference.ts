// What must happen, computed without a promise: a small, slow specification
// that shares no code with what it judges. Time is a number that is passed
// along. Whatever can be cut short is told beforehand when and why that will be
// (`Cut`); where two things would happen in the same millisecond the scenario
// says nothing, and is left out.

import {
  type ChainSpec,
  type CloseStep,
  type FakeSpec,
  isChain,
  isOdd,
  type Leave,
  type ModelSpec,
  type RecordStory,
  type Scenario,
  type Story,
} from "./scenario.ts";

/** The rules do not say what happens: two things at once, or nothing ever. */
export class Silent extends Error {}

/** When something is cut short, and by which error. */
interface Cut {
  at: number;
  error: () => string;
}

const NEVER: Cut = { at: Infinity, error: () => "never" };

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
  readonly nested: RecordStory[] | undefined;
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
  readonly #lines: string[];
  #place = 0;
  #begun = false;
  #aborted = false;
  /** When the wait is over that a pull, or the opening, was cut in. */
  #busyUntil: number | undefined;

  constructor(spec: FakeSpec, at: number, fakes: string[][]) {
    this.#spec = spec;
    this.#lines = [`${at} call ${spec.name}`];
    fakes.push(this.#lines);
  }

  open(at: number, cut: Cut): { at: number; error?: string } | undefined {
    const { script } = this.#spec;
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
    const { name, script } = this.#spec;
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
    const { kind, onClose, onDispose } = this.#spec;
    const way = kind === "readable" ? "cancel" : "return";
    const steps: ((at: number) => Closed)[] = [];
    if (!exhausted) {
      steps.push((at) => {
        const closed = this.#close(way, onClose, at);
        const free = this.#freeAt(at);
        // A generator's return() queues behind the pull that is pending.
        return closed.errors.length > 0
          ? closed
          : { at: Math.max(closed.at, free), errors: [] };
      });
    }
    if (onDispose) steps.push((at) => this.#close("dispose", onDispose, at));
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
    const { onStack } = this.#spec;
    return onStack ? [(at) => this.#close("stack", onStack, at)] : [];
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

/** One call: the chain itself, and as a source of another chain. */
class Call implements Source {
  readonly nested: RecordStory[] = [];
  readonly #spec: ChainSpec;
  readonly #fakes: string[][];
  /** What ends it from outside, as far as that is known beforehand. */
  #stop: Cut;
  #source!: Source;
  #held: string[] = [];
  #final = false;
  #exhausted = false;
  #committed = false;
  /** When an opening that failed or was cut has come to its end. */
  #settledAt = 0;
  #closedAt: number | undefined;
  #rejection: string | undefined;
  #closeErrorThrown = false;
  /** What a pull was answered after it had been cut. */
  #lateAnswer: Pulled | undefined;

  constructor(spec: ChainSpec, fakes: string[][], abort: Cut = NEVER) {
    this.#spec = spec;
    this.#fakes = fakes;
    this.#stop = abort;
  }

  get #record(): RecordStory {
    return this.nested.at(-1)!;
  }

  /** A clock that starts now; it names the model that it strikes. */
  #clock(phase: "open" | "content" | "idle" | "total", at: number): Cut {
    const ms = this.#spec.options[`${phase}Ms`];
    const error = () => `${this.#record.model} timeout ${phase} ${ms}`;
    return { at: ms === undefined ? Infinity : at + ms, error };
  }

  open(at: number, cut: Cut): { at: number; error?: string } | undefined {
    this.#stop = first(this.#stop, this.#clock("total", at));
    const result = this.#open(at, first(this.#stop, cut));
    this.#settledAt = result.at;
    this.#committed = result.error === undefined;
    return isWithin(result.at, cut.at) ? result : undefined;
  }

  #open(at: number, stop: Cut): { at: number; error?: string } {
    for (const spec of this.#spec.models) {
      const failed = this.#attempt(spec, at, stop);
      if (failed.error === undefined) return failed;
      at = failed.at;
      if (isWithin(stop.at, at)) return { at, error: stop.error() };
      const { fallbackOn } = this.#spec.options;
      const decided = at + (fallbackOn?.slowMs ?? 0);
      if (isWithin(stop.at, decided)) {
        return { at: stop.at, error: stop.error() };
      }
      at = decided;
      if (!fallbackOn || !isOdd(failed.error)) continue;
      return fallbackOn.refuse === "odd"
        ? { at, error: failed.error }
        : { at, error: `both(condition,${failed.error})` };
    }
    const errors = this.nested.map(({ error }) => error);
    return { at, error: `all[${errors.join()}]` };
  }

  /** One attempt, until it is committed, or is over and closed. */
  #attempt(
    spec: ModelSpec,
    at: number,
    stop: Cut,
  ): { at: number; error?: string } {
    const source = isChain(spec)
      ? new Call(spec, this.#fakes)
      : new Fake(spec, at, this.#fakes);
    const record: RecordStory = {
      model: nameOf(spec),
      outcome: "pending",
      chunks: 0,
      times: [at, undefined, undefined, undefined],
      closeErrors: [],
    };
    if (source.nested) record.nested = source.nested;
    this.nested.push(record);
    this.#source = source;
    this.#held = [];
    this.#final = this.#exhausted = false;
    const over = (
      at: number,
      error: string,
      { outcome = "failed", opened = true, natural = false } = {},
    ) => ({ at: this.#settle(at, outcome, error, opened, natural), error });
    const isStop = ({ at }: Cut) => at === stop.at ? "cancelled" : "failed";

    const content = this.#clock("content", at);
    const opening = first(this.#clock("open", at), content, stop);
    const opened = source.open(at, opening);
    if (!opened) {
      const outcome = isStop(opening);
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
        const outcome = isStop(holding);
        return over(holding.at, holding.error(), { outcome });
      }
      at = pulled.at;
      if (!("chunk" in pulled)) this.#exhausted = true;
      if ("error" in pulled) return over(at, pulled.error);
      if ("done" in pulled) {
        const wrong = this.#isCut()
          ? "truncated"
          : !this.#spec.options.allowEmpty
          ? "empty"
          : undefined;
        if (wrong) {
          return over(at, `${wrong} ${record.model}`, { natural: true });
        }
        break;
      }
      const wrong = this.#judge(pulled.chunk, true);
      if (wrong) return over(at, wrong);
      this.#held.push(pulled.chunk);
      if (this.#spec.options.isContent && isMeta(pulled.chunk)) continue;
      record.times[2] = at;
      break;
    }
    record.outcome = "streaming";
    return { at };
  }

  /** Shows a chunk to the judges: what they throw, if they do. */
  #judge(chunk: string, beforeContent: boolean): string | undefined {
    const { isContent, isFinal } = this.#spec.options;
    const [, kind] = chunk.split(" ");
    if (isFinal && kind === "bad") return "isFinal";
    if (isFinal && kind === "stop") this.#final = true;
    return beforeContent && isContent && kind === "odd"
      ? "isContent"
      : undefined;
  }

  #isCut(): boolean {
    return this.#spec.options.isFinal && !this.#final;
  }

  /** Ends the attempt and closes it: the time when that is done. */
  #settle(
    at: number,
    outcome: string,
    error: string | undefined,
    opened: boolean,
    natural: boolean,
  ): number {
    const record = this.#record;
    const source = this.#source;
    const { closeMs } = this.#spec.options;
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
    const steps = opened ? source.steps(this.#exhausted) : [];
    const closed = closeWithin(at, closeMs, steps);
    note(closed);
    const stacked = closeWithin(closed.at, closeMs, source.stack());
    note(stacked);
    if (!opened) note(source.forget(closeMs));
    return stacked.at;
  }

  rest(at: number): void {
    if (this.#closedAt !== undefined) return;
    const { at: stopAt, error } = this.#stop;
    if (!isWithin(stopAt, at)) return this.#source.rest(at);
    this.#source.rest(stopAt);
    this.abort(stopAt, error());
  }

  abort(at: number, error = "closed"): void {
    if (!this.#committed || this.#closedAt !== undefined) return;
    this.#rejection = error;
    this.#end(at, "cancelled", error);
  }

  #end(
    at: number,
    outcome: string,
    error?: string,
    natural = this.#exhausted,
  ): number {
    return this.#closedAt = this.#settle(at, outcome, error, true, natural);
  }

  pull(at: number, cut: Cut): Pulled | undefined {
    this.rest(at);
    const pulled = this.#pull(at, cut);
    if (pulled && isWithin(pulled.at, cut.at)) return pulled;
    this.#lateAnswer = pulled;
    return undefined;
  }

  #pull(at: number, cut: Cut): Pulled | undefined {
    const record = this.#record;
    if (this.#closedAt !== undefined) {
      const error = this.#rejection;
      this.#rejection = undefined;
      at = Math.max(at, this.#closedAt);
      return error === undefined ? { at, done: true } : { at, error };
    }
    const chunk = this.#held.shift();
    if (chunk !== undefined) {
      record.chunks++;
      return { at, chunk };
    }
    if (this.#exhausted) return { at: this.#end(at, "completed"), done: true };
    const idle = this.#clock("idle", at);
    const limit = first(idle, this.#stop, cut);
    const pulled = this.#source.pull(at, limit);
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
      const outcome = limit.at === idle.at ? "interrupted" : "cancelled";
      return over(limit.at, outcome, limit.error());
    }
    at = pulled.at;
    if (!("chunk" in pulled)) this.#exhausted = true;
    if ("error" in pulled) return over(at, "interrupted", pulled.error);
    if ("done" in pulled) {
      return this.#isCut()
        ? over(at, "interrupted", `truncated ${record.model}`, true)
        : { at: this.#end(at, "completed"), done: true };
    }
    const wrong = this.#judge(pulled.chunk, false);
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
    const errors = this.#record.closeErrors
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
        this.#committed
          ? this.return(at)
          : { at: Math.max(at, this.#settledAt), errors: [] },
    ];
  }

  forget() {
    return { errors: [], late: false };
  }
}

/** Whether something has happened by then; at the same time says nothing. */
function isWithin(at: number, limit: number): boolean {
  return at !== Infinity && isBefore(at, limit);
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
export function expectedStory({ chain, actions, abortAt }: Scenario): Story {
  const fakes: string[][] = [];
  const caller: string[] = [];
  const abort = { at: abortAt ?? Infinity, error: () => "abort" };
  const call = new Call(chain, fakes, abort);
  const story = { caller, records: call.nested, fakes };
  const opened = call.open(0, NEVER);
  if (!opened) throw new Silent();
  let now = opened.at;
  if (opened.error !== undefined) {
    caller.push(`${now} refused: ${opened.error}`);
    return story;
  }
  caller.push(`${now} opened`);
  const tell = (pulled: Pulled): boolean => {
    const { at } = pulled;
    if ("chunk" in pulled) caller.push(`${at} ${pulled.chunk}`);
    else if ("done" in pulled) caller.push(`${at} done`);
    else caller.push(`${at} error: ${pulled.error}`);
    return "chunk" in pulled;
  };
  const pull = () => {
    const pulled = call.pull(now, NEVER)!;
    now = pulled.at;
    return tell(pulled);
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
        const pulled = call.pull(now, { at: then, error: () => "then" });
        if (pulled) tell(pulled);
        now = then;
        leave(action.then);
        if (!pulled) tell(call.lateAnswer(now));
        break;
      }
      default:
        leave(action.do);
    }
  }
  return story;
}
