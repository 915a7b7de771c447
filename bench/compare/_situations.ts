// Situations of a call, and their results for the caller: one row of the table
// each. Every cell is observed in this run.

import { delay } from "@std/async/delay";
import { step } from "@fallback/stream/testing";
import {
  answer,
  type Caller,
  type Chunk,
  createJournal,
  errorEvent,
  failure,
  final,
  type Journal,
  type Line,
  metadata,
  type Needs,
  type Spec,
  texts,
  type Way,
} from "./_library.ts";
import { catchUnhandled, inVirtualTime } from "./_time.ts";

/** One row. */
export interface Situation {
  /** What happens, and which settings the library gets. */
  readonly name: string;
  /** The right result, if there is one. */
  readonly expected?: string;
  /** Runs the situation, and describes the result. */
  see(trial: Trial): Promise<string>;
}

/** This way of using a library does not support the situation. */
class CannotError extends Error {}

/** One run of a situation, for one way of using a library. */
class Trial {
  readonly journal: Journal = createJournal();
  readonly #way: Way;

  constructor(way: Way) {
    this.#way = way;
  }

  /** Models with these scripts, named A, B, C, and a caller that has them. */
  make(
    scripts: readonly (readonly Line[])[],
    need: Needs = {},
    ignoresAbort = false,
  ): Caller {
    const specs = scripts.map((script, i): Spec => ({
      name: "ABCDEFGH"[i]!,
      scripts: [script],
      ignoresAbort: ignoresAbort && i === 0,
    }));
    return this.makeOf(specs, need);
  }

  makeOf(specs: readonly Spec[], need: Needs = {}): Caller {
    const caller = this.#way.make(specs, this.journal, need);
    if (!caller) throw new CannotError();
    return caller;
  }

  /** How often a model was called. */
  callsOf(model: string): number {
    return this.journal.calls.filter((call) => call.model === model).length;
  }

  /** The state of the first stream of A. */
  get firstStreamEnd(): string {
    const { closes, ended, signal } = this.journal.calls[0]!;
    return closes.length > 0 || ended === "fail"
      ? "closed"
      : ended
      ? "read to its end"
      : signal.aborted
      ? "aborted"
      : "left open";
  }
}

/** Runs a situation. Returns `undefined` if the way does not support it. */
export async function run(
  { see }: Situation,
  way: Way,
): Promise<string | undefined> {
  using unhandled = catchUnhandled();
  let seen: string;
  try {
    const outcome = await inVirtualTime(() => see(new Trial(way)));
    seen = outcome.hangs ? "hangs" : outcome.value;
  } catch (error) {
    if (error instanceof CannotError) return;
    throw error;
  }
  return unhandled.count ? `${seen}, and an unhandled rejection` : seen;
}

/** The chunks that the caller got, and the end. */
interface Seen {
  readonly texts: readonly string[];
  readonly error?: unknown;
  readonly failed: boolean;
}

/** Reads an answer to its end or its error. */
async function read(chunks: AsyncIterable<Chunk>): Promise<Seen> {
  const got: Chunk[] = [];
  try {
    for await (const chunk of chunks) got.push(chunk);
  } catch (error) {
    return { texts: show(got), error, failed: true };
  }
  return { texts: show(got), failed: false };
}

/** The texts, and metadata that belong to another model than what follows. */
function show(chunks: readonly Chunk[]): string[] {
  return chunks.flatMap(({ kind, text }, i) => {
    if (kind === "text") return [text];
    const next = chunks.slice(i).find(({ kind }) => kind === "text");
    return kind === "metadata" && next && next.text[0] !== text[0]
      ? [text]
      : [];
  });
}

function summarize({ texts, failed }: Seen): string {
  const cells = failed ? [...texts, "error"] : texts;
  return cells.length ? cells.join(" ") : "nothing";
}

/** All texts of an error or of a list of reasons. */
function textsOf(thing: unknown, depth = 0): string {
  if (typeof thing === "string") return thing;
  if (typeof thing !== "object" || thing === null || depth > 6) return "";
  const { message, cause, ...rest } = thing as Error;
  return [message, cause, ...Object.values(rest), ...errorsOf(thing)]
    .map((part) => textsOf(part, depth + 1)).join("\n");
}

function errorsOf(thing: object): readonly unknown[] {
  return "errors" in thing && Array.isArray(thing.errors) ? thing.errors : [];
}

/** How many of the failures are reported to the caller. */
function known(messages: readonly string[], ...from: unknown[]): string {
  const text = from.map((thing) => textsOf(thing)).join("\n");
  const count = messages.filter((message) => text.includes(message)).length;
  return `${count} of ${messages.length}`;
}

const overloaded = (model: string) => failure(`${model} is overloaded`);
const down = (
  model: string,
): Line[] => [step.wait(10), step.fail(overloaded(model))];

/** A whole answer, one text every so often. */
function slowly(model: string, count: number, everyMs: number): Line[] {
  return [
    metadata(model),
    ...texts(model, count).flatMap((text) => [step.wait(everyMs), text]),
    final,
  ];
}

const timeouts = { firstContentMs: 300, idleMs: 300, totalMs: 10_000 };
/** Later than this, the timeouts had no effect. */
const LATE_MS = 2000;

/** A situation whose result is only what the caller reads. */
function reading(
  name: string,
  expected: string,
  scripts: readonly (readonly Line[])[],
  need?: Needs,
  ignoresAbort?: boolean,
): Situation {
  return {
    name,
    expected,
    see: async (trial) => {
      const caller = trial.make(scripts, need, ignoresAbort);
      const start = Date.now();
      const cells = summarize(await read(caller.call()));
      const ms = Date.now() - start;
      return ms > LATE_MS ? `${cells} after ${ms / 1000} s` : cells;
    },
  };
}

/** Aborts a call after 50 ms. Describes its end, and whether B was called. */
async function aborting(
  trial: Trial,
  script: readonly Line[],
  ignoresAbort: boolean,
): Promise<string> {
  const controller = new AbortController();
  const reason = new Error("the caller has left");
  const caller = trial.make([script, answer("B")], {}, ignoresAbort);
  const reading = read(caller.call(controller.signal));
  await delay(50);
  controller.abort(reason);
  const seen = await reading;
  await delay(5000);
  const how = seen.failed
    ? "ends"
    : seen.texts.some((text) => text.startsWith("B"))
    ? "answers B"
    : "ends as if complete";
  return trial.callsOf("B") ? `${how}, B called` : how;
}

const MANY = 5000;

/** Whether a fake's chunk is a text, in our format or the AI SDK's. */
function isText(value: unknown): boolean {
  const { kind, type } = Object(value);
  return kind === "text" || type === "text-delta";
}

export const situations: readonly Situation[] = [
  reading("the first model refuses", "B0 B1 B2", [down("A"), answer("B")]),
  reading("an error inside the open stream, before anything else", "B0 B1 B2", [
    [step.open(), step.fail(overloaded("A"))],
    answer("B"),
  ]),
  reading("an error event inside a 200, after metadata", "B0 B1 B2", [
    [metadata("A"), errorEvent(overloaded("A"))],
    answer("B"),
  ]),
  reading("the connection breaks after metadata", "B0 B1 B2", [
    [metadata("A"), step.fail(overloaded("A"))],
    answer("B"),
  ]),
  reading("an error after two chunks", "A0 A1 error", [
    [metadata("A"), ...texts("A", 2), step.fail(overloaded("A"))],
    answer("B"),
  ]),
  reading(
    "an error after two chunks, with three attempts per model",
    "A0 A1 error",
    [
      [metadata("A"), ...texts("A", 2), step.fail(overloaded("A"))],
      answer("B"),
    ],
    { attempts: 3 },
  ),
  {
    name: "an error after two chunks, continued by the next model",
    expected: "A0 A1 B2 B3",
    see: async (trial) => {
      const truncated = [
        metadata("A"),
        ...texts("A", 2),
        step.fail(overloaded("A")),
      ];
      const rest = [metadata("B"), ...texts("B", 2, 2), final];
      return summarize(
        await read(trial.make([truncated, rest], { continues: true }).call()),
      );
    },
  },
  {
    name: "8 overlapping calls through one wrapper, the first model down",
    expected: "8 of 8",
    see: async (trial) => {
      const caller = trial.make([down("A"), answer("B")]);
      const all = await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          await delay(3 * i);
          return await read(caller.call());
        }),
      );
      const whole = all.filter((seen) => summarize(seen) === "B0 B1 B2");
      return `${whole.length} of 8`;
    },
  },
  {
    name: "the caller leaves the loop after one chunk",
    expected: "closed",
    see: async (trial) => {
      const caller = trial.make([slowly("A", 100, 20), answer("B")]);
      for await (const { kind } of caller.call()) if (kind === "text") break;
      await delay(5000);
      return trial.callsOf("B")
        ? `${trial.firstStreamEnd}, B called`
        : trial.firstStreamEnd;
    },
  },
  {
    name: "the caller aborts before the first token",
    expected: "ends",
    see: (trial) => aborting(trial, [step.open(), step.hang()], false),
  },
  {
    name: "the caller aborts in mid-answer, and the provider ignores it",
    expected: "ends",
    see: (trial) =>
      aborting(trial, [metadata("A"), ...texts("A", 1), step.hang()], true),
  },
  reading("opening hangs, with timeouts of 300 ms", "B0 B1 B2", [
    [step.hang()],
    answer("B"),
  ], { timeouts }),
  reading("silence after the metadata, with timeouts of 300 ms", "B0 B1 B2", [
    [metadata("A"), step.hang()],
    answer("B"),
  ], { timeouts }),
  reading(
    "silence after the metadata, and the provider ignores its signal",
    "B0 B1 B2",
    [[metadata("A"), step.hang()], answer("B")],
    { timeouts },
    true,
  ),
  reading("silence in mid-answer, with timeouts of 300 ms", "A0 A1 error", [
    [metadata("A"), ...texts("A", 2), step.hang()],
    answer("B"),
  ], { timeouts }),
  {
    name: "a healthy answer of a second, with timeouts of 300 ms",
    expected: "20 of 20",
    see: async (trial) => {
      const caller = trial.make([slowly("A", 20, 50)], { timeouts });
      const { texts } = await read(caller.call());
      return `${texts.filter((text) => text.startsWith("A")).length} of 20`;
    },
  },
  {
    name:
      "the first model takes 10 s, hedged after 1 s: time to the first text",
    expected: "1,000 ms",
    see: async (trial) => {
      const caller = trial.make([
        [step.wait(10_000), ...answer("A")],
        answer("B"),
      ], { hedgeMs: 1000 });
      const start = Date.now();
      for await (const { kind } of caller.call()) if (kind === "text") break;
      return `${(Date.now() - start).toLocaleString("en")} ms`;
    },
  },
  reading("the body ends without its last event", "A0 A1 error", [
    [metadata("A"), ...texts("A", 2)],
    answer("B"),
  ]),
  reading("a complete answer without any text", "B0 B1 B2", [
    [metadata("A"), final],
    answer("B"),
  ], { notEmpty: true }),
  {
    name: "an error event: when the failed stream is closed",
    expected: "before B is opened",
    see: async (trial) => {
      const script = [
        errorEvent(overloaded("A")),
        step.wait(100),
        ...answer("A"),
      ];
      await read(trial.make([script, answer("B")]).call());
      await delay(5000);
      const { entries } = trial.journal;
      const closed = entries.findIndex(({ model, type }) =>
        model === "A" && type === "close"
      );
      const opened = entries.findIndex(({ model }) => model === "B");
      return closed < 0
        ? "never"
        : opened < 0
        ? "B is not opened"
        : closed < opened
        ? "before B is opened"
        : "after B is opened";
    },
  },
  {
    name: "the caller reads one text: how many are read from the model",
    expected: `1 of ${MANY.toLocaleString("en")}`,
    see: async (trial) => {
      const script = answer("A", MANY);
      const caller = trial.make([script]);
      for await (const { kind } of caller.call()) {
        if (kind !== "text") continue;
        await delay(1000); // so that the model could run ahead
        break;
      }
      const read = trial.journal.entries.filter(({ type, value }) =>
        type === "chunk" && isText(value)
      );
      return `${read.length.toLocaleString("en")} of ${
        MANY.toLocaleString("en")
      }`;
    },
  },
  reading("a 400, with fallback on 5xx only", "error", [
    [step.fail(failure("A does not understand", 400))],
    answer("B"),
  ], { only5xx: true }),
  {
    name: "three models fail: reasons in the error",
    expected: "3 of 3",
    see: async (trial) => {
      const names = ["A", "B", "C"];
      const { error } = await read(trial.make(names.map(down)).call());
      return known(names.map((name) => `${name} is overloaded`), error);
    },
  },
  {
    name: "a 503, then a 400 that must not fall back: reasons reported",
    expected: "2 of 2",
    see: async (trial) => {
      const refused = [step.fail(failure("B does not understand", 400))];
      const caller = trial.make([down("A"), refused, answer("C")], {
        only5xx: true,
      });
      const reported: unknown[] = [];
      const { error } = await read(caller.call(undefined, reported));
      const messages = ["A is overloaded", "B does not understand"];
      return known(messages, error, reported);
    },
  },
  {
    name: "an answer after two failures: reasons reported",
    expected: "2 of 2",
    see: async (trial) => {
      const reported: unknown[] = [];
      const caller = trial.make([down("A"), down("B"), answer("C")]);
      await read(caller.call(undefined, reported));
      return known(["A is overloaded", "B is overloaded"], reported);
    },
  },
  {
    name:
      "10 calls, the first model down, with a health memory: attempts on it",
    see: async (trial) => {
      const caller = trial.make([down("A"), answer("B")], { memory: true });
      for (let call = 0; call < 10; call++) await read(caller.call());
      return `${trial.callsOf("A")} of 10`;
    },
  },
  {
    name:
      "10 calls, the first attempt fails, with a health memory: answers of the first model",
    see: async (trial) => {
      const caller = trial.makeOf([
        { name: "A", scripts: [down("A"), answer("A")] },
        { name: "B", scripts: [answer("B")] },
      ], { memory: true });
      let count = 0;
      for (let call = 0; call < 10; call++) {
        const { texts } = await read(caller.call());
        if (texts[0] === "A0") count++;
      }
      return `${count} of 10`;
    },
  },
];
