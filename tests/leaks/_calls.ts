// Makes 50,000 sequential calls that end in every way, in a process that can collect
// its garbage, and prints what is left.

import {
  type Attempt,
  attemptsOf,
  fallbackModel,
  fallbackStream,
} from "@fallback/stream";
import { watchTimers } from "../../src/testing/_timers.ts";
import { createJournal } from "../../src/testing/journal.ts";

declare const gc: () => void;

const WARM_UP = 10_000;
const CALLS = 50_000;
const MINUTE = 60_000;
const timeouts = {
  openMs: MINUTE,
  firstContentMs: MINUTE,
  idleMs: MINUTE,
  totalMs: MINUTE,
  closeMs: MINUTE,
};

const overloaded = new Error("overloaded");
const ignoredError = new Error("bad request");

async function* answers(): AsyncGenerator<string> {
  yield "a";
  yield "b";
}
async function* interrupted(): AsyncGenerator<string> {
  yield "a";
  throw overloaded;
}
const fails = () => Promise.reject(overloaded);
const failsWithIgnoredError = () => Promise.reject(ignoredError);
const never = () => new Promise<never>(() => {});
/** Yields one chunk, then hangs until it is cancelled. */
function stalls(): ReadableStream<string> {
  let pulls = 0;
  return new ReadableStream({
    pull: (controller) => pulls++ ? never() : controller.enqueue("a"),
  }, { highWaterMark: 0 });
}

type Models = Parameters<typeof fallbackStream<string, string>>[0];
type Stream = Awaited<ReturnType<typeof fallbackStream<string, string>>>;

/** A way for a call to end. */
interface Way {
  readonly models: Models;
  /** What the caller does with the stream, unless it reads it to the end. */
  stop?(stream: Stream): Promise<unknown>;
  /** When the caller aborts. */
  readonly aborts?: "while it opens" | "after content";
  /** The outcomes of its attempts. */
  readonly outcomes: string;
}

const nested = fallbackModel<string, string>([fails, answers], { timeouts });

const ways: readonly Way[] = [
  { models: [answers], outcomes: "completed" },
  { models: [fails, answers], outcomes: "failed completed" },
  { models: [fails, fails], outcomes: "failed failed" },
  { models: [failsWithIgnoredError, answers], outcomes: "failed" },
  { models: [interrupted, answers], outcomes: "interrupted" },
  { models: [nested], outcomes: "completed" },
  {
    models: [fails, answers],
    stop: async (stream) => {
      for await (const _ of stream) break;
    },
    outcomes: "failed cancelled",
  },
  {
    models: [stalls],
    stop: (stream) => stream.toReadableStream().cancel(),
    outcomes: "cancelled",
  },
  { models: [never], aborts: "while it opens", outcomes: "cancelled" },
  { models: [stalls], aborts: "after content", outcomes: "cancelled" },
];

/** Makes a call that ends in this way, and returns the outcomes of its attempts. */
async function call(
  { models, stop, aborts }: Way,
  forever: AbortSignal,
): Promise<string> {
  const controller = new AbortController();
  let attempts: readonly Attempt[];
  try {
    const opening = fallbackStream(models, "hi", {
      // Signals that abort are short-lived.
      signal: aborts ? journal.watch(controller.signal) : forever,
      timeouts,
      fallbackOn: (error) => error !== ignoredError,
    });
    if (aborts === "while it opens") controller.abort();
    await using stream = await opening;
    attempts = stream.attempts;
    if (aborts === "after content") {
      await stream.next();
      const pull = stream.next();
      controller.abort();
      await pull;
    }
    await (stop ? stop(stream) : Array.fromAsync(stream));
  } catch (error) {
    attempts = attemptsOf(error);
  }
  return attempts.map(({ outcome }) => outcome).join(" ");
}

/** The size of the heap after a garbage collection, in bytes. */
function held(): number {
  gc();
  return Deno.memoryUsage().heapUsed;
}

const journal = createJournal();
const forever = journal.watch(new AbortController().signal);
const { any } = AbortSignal;
let composed = 0;
AbortSignal.any = (signals) => {
  composed++;
  return any.call(AbortSignal, signals);
};
using timers = watchTimers();
let before = 0;
for (let i = 0; i < WARM_UP + CALLS; i++) {
  if (i === WARM_UP) before = held();
  if (i % 1_000 === 0) console.error(`${i} calls`);
  const way = ways[i % ways.length]!;
  const outcomes = await call(way, forever);
  if (outcomes !== way.outcomes) {
    throw new Error(`a call was ${outcomes}, not ${way.outcomes}`);
  }
}
journal.assertClean();
const bytes = (held() - before) / CALLS;
console.log(JSON.stringify({ composed, timers: timers.pending.size, bytes }));
