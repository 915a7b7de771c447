// 100,000 calls in a row, in a process of its own that can collect its garbage:
// they end in every way there is, and leave nothing behind.

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
const CALLS = 100_000;
const MINUTE = 60_000;
const timeouts = {
  openMs: MINUTE,
  firstContentMs: MINUTE,
  idleMs: MINUTE,
  totalMs: MINUTE,
  closeMs: MINUTE,
};

const overloaded = new Error("overloaded");
const refused = new Error("refused");

async function* answers(): AsyncGenerator<string> {
  yield "a";
  yield "b";
}
async function* breaksOff(): AsyncGenerator<string> {
  yield "a";
  throw overloaded;
}
const fails = () => Promise.reject(overloaded);
const refuses = () => Promise.reject(refused);
const never = () => new Promise<never>(() => {});
/** One chunk, and then a read that only cancelling ends. */
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
  /** What the caller does with the stream, unless it is read to its end. */
  leave?(stream: Stream): Promise<unknown>;
  /** When the caller aborts. */
  readonly aborts?: "while it opens" | "in mid-answer";
  /** The outcomes of its attempts. */
  readonly outcomes: string;
}

const nested = fallbackModel<string, string>([fails, answers], { timeouts });

const ways: readonly Way[] = [
  { models: [answers], outcomes: "completed" },
  { models: [fails, answers], outcomes: "failed completed" },
  { models: [fails, fails], outcomes: "failed failed" },
  { models: [refuses, answers], outcomes: "failed" },
  { models: [breaksOff, answers], outcomes: "interrupted" },
  { models: [nested], outcomes: "completed" },
  {
    models: [fails, answers],
    leave: async (stream) => {
      for await (const _ of stream) break;
    },
    outcomes: "failed cancelled",
  },
  {
    models: [stalls],
    leave: (stream) => stream.toReadableStream().cancel(),
    outcomes: "cancelled",
  },
  { models: [never], aborts: "while it opens", outcomes: "cancelled" },
  { models: [stalls], aborts: "in mid-answer", outcomes: "cancelled" },
];

/** Makes a call that ends in this way, and returns the outcomes of its attempts. */
async function call(
  { models, leave, aborts }: Way,
  forever: AbortSignal,
): Promise<string> {
  const controller = new AbortController();
  let attempts: readonly Attempt[];
  try {
    const opening = fallbackStream(models, "hi", {
      // A signal that aborts does not live long.
      signal: aborts ? journal.watch(controller.signal) : forever,
      timeouts,
      fallbackOn: (error) => error !== refused,
    });
    if (aborts === "while it opens") controller.abort();
    await using stream = await opening;
    attempts = stream.attempts;
    if (aborts === "in mid-answer") {
      await stream.next();
      const pull = stream.next();
      controller.abort();
      await pull;
    }
    await (leave ? leave(stream) : Array.fromAsync(stream));
  } catch (error) {
    attempts = attemptsOf(error);
  }
  return attempts.map(({ outcome }) => outcome).join(" ");
}

/** What is left on the heap once the garbage is collected, in bytes. */
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
