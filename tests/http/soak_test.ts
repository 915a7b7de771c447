// Thousands of calls on the real clock over real connections, hundreds at a
// time, with every fault that a wire can have: each call gets one provider's
// whole answer or a clean error, and nothing is left at the end.

import {
  AllModelsFailedError,
  type Attempt,
  attemptsOf,
  EmptyStreamError,
  type FallbackStream,
  fallbackStream,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import {
  type ChatChunk,
  HttpError,
  openaiModel,
  StreamError,
} from "@fallback/stream/openai";
import {
  createJournal,
  type FakeProvider,
  fakeProvider,
  type Journal,
  step,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { assert, assertEquals, assertLess } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { below, oneOf, random } from "../../bench/_random.ts";
import {
  answerOf,
  completeEndings,
  failuresBeforeContent,
  hangsBeforeContent,
  interruptions,
  preamble,
} from "../_wire_faults.ts";

const CALLS = 2400;
const AT_ONCE = 200;
const SEED = 20_261;
const request = { messages: [{ role: "user", content: "hi" }] };
const timeouts = {
  openMs: 600,
  firstContentMs: 700,
  idleMs: 600,
  totalMs: 2000,
  closeMs: 5000,
};

const draw = random(SEED);
const chance = (probability: number) => draw() < probability;

/** A text as an event whose bytes come in several packets. */
function inPieces(content: string): Uint8Array<ArrayBuffer>[] {
  const data = JSON.stringify({ choices: [{ delta: { content } }] });
  const bytes = wire.raw(`data: ${data}\n\n`);
  // The last cut goes through a character of three bytes.
  const cuts = [0, below(draw, 5), bytes.indexOf(0xe2) + 1, bytes.length];
  return cuts.slice(1).map((end, i) => bytes.slice(cuts[i], end));
}

/** What a provider does in answer to one request. */
function anyScript(provider: string): WireScript {
  const script: WireScript[number][] = [];
  if (chance(0.3)) script.push(step.wait(below(draw, 30)));
  if (chance(0.35)) {
    return [
      ...script,
      ...oneOf(draw, [...failuresBeforeContent, ...hangsBeforeContent]),
    ];
  }
  if (chance(0.5)) script.push(preamble);
  const words = answerOf(provider);
  const isCut = chance(0.15);
  if (isCut) words.length = 1 + below(draw, words.length - 1);
  while (words.length > 0) {
    if (chance(0.2)) script.push(step.wait(below(draw, 10)));
    if (chance(0.1)) script.push(wire.raw(": still here\n\n"));
    const together = words.splice(0, 1 + below(draw, 3));
    const apart = chance(0.3) && together.flatMap(inPieces);
    script.push(...(apart || [wire.packet(...together)]));
  }
  return [...script, ...oneOf(draw, isCut ? interruptions : completeEndings)];
}

const PROVIDERS = ["alpha", "beta", "gamma"] as const;
const LINE_ENDS = ["\n", "\r\n", "\r"] as const;

/** What one caller does, drawn before any of them begins. */
interface Plan {
  /** Which provider is asked first. */
  readonly first: number;
  /** After how many milliseconds the caller aborts. */
  readonly abortMs: number | undefined;
  /** How the caller leaves an answer, unless it is read to its end. */
  readonly leave: ((stream: Stream) => PromiseLike<unknown>) | undefined;
}

type Stream = FallbackStream<ChatChunk>;

const waysToLeave: readonly ((stream: Stream) => PromiseLike<unknown>)[] = [
  async (stream) => {
    for await (const _ of stream) break;
  },
  async (stream) => {
    const pulls = Array.from({ length: 20 }, () => stream.next());
    await stream.return();
    assertEquals((await Promise.all(pulls)).at(-1)?.done, true);
  },
  (stream) => stream.toReadableStream().cancel(),
  (stream) => stream[Symbol.asyncDispose](),
];

const anyPlan = (): Plan => ({
  first: below(draw, PROVIDERS.length),
  abortMs: chance(0.12) ? below(draw, 80) : undefined,
  leave: chance(0.15) ? oneOf(draw, waysToLeave) : undefined,
});

/** What all calls share. */
interface World {
  readonly models: readonly ReturnType<typeof openaiModel>[];
  readonly journal: Journal;
  readonly forever: AbortSignal;
}

/** Makes one call; says how it ended. */
async function call(
  { models, journal, forever }: World,
  { first, abortMs, leave }: Plan,
): Promise<"answered" | "left" | "aborted" | "failed" | "interrupted"> {
  const reason = new Error("stop");
  const controller = new AbortController();
  const aborts = abortMs !== undefined;
  const aborting = aborts
    ? setTimeout(() => controller.abort(reason), abortMs)
    : undefined;
  let attempts: readonly Attempt[] = [];
  let text = "";
  try {
    await using stream = await fallbackStream(
      [...models.slice(first), ...models.slice(0, first)],
      request,
      {
        signal: aborts ? journal.watch(controller.signal) : forever,
        timeouts,
      },
    );
    attempts = stream.attempts;
    if (leave) {
      await leave(stream);
      return "left";
    }
    for await (const chunk of stream) text += textOf(chunk);
    assertEquals(text, answerOf(stream.model).join(""));
    return "answered";
  } catch (error) {
    if (error === reason) return "aborted";
    attempts = attemptsOf(error);
    if (error instanceof AllModelsFailedError) {
      assertEquals(error.errors.length, models.length);
      error.errors.forEach(assertClean);
      return "failed";
    }
    assertClean(error);
    return "interrupted";
  } finally {
    clearTimeout(aborting);
    const answering = attempts.at(-1)?.model ?? "";
    assert(answerOf(answering).join("").startsWith(text));
    for (const [i, { outcome, ...record }] of attempts.entries()) {
      if (i < attempts.length - 1) assertEquals(outcome, "failed");
      assertEquals("closeError" in record, false);
    }
  }
}

/** Errors of the provider, of our clocks, and of a wire that is cut. */
function assertClean(error: unknown): void {
  const isKnown = [
    HttpError,
    StreamError,
    EmptyStreamError,
    TruncatedStreamError,
    ModelTimeoutError,
  ].some((kind) => error instanceof kind);
  const isCut = error instanceof TypeError &&
    /^(fetch failed|error (sending request|reading a body))/.test(
      error.message,
    );
  if (!isKnown && !isCut) throw error;
}

/** What is left on the heap once the garbage is collected, in bytes. */
function heapHeld(): number {
  setFlagsFromString("--expose-gc");
  // Only a context that is made after that has it.
  runInNewContext("gc")();
  return Deno.memoryUsage().heapUsed;
}

const callsOf = (providers: readonly FakeProvider[]) =>
  providers.flatMap(({ calls }) => calls);

const textOf = ({ choices }: ChatChunk) => choices[0]?.delta?.content ?? "";

Deno.test("soak over HTTP: each of 2,400 calls gets one whole answer or a clean error, and nothing is left", async () => {
  await using servers = new AsyncDisposableStack();
  const providers = PROVIDERS.map((name, i) =>
    fakeProvider(
      { scripts: Array.from({ length: CALLS }, () => anyScript(name)) },
      { lineEnd: LINE_ENDS[i] },
    )
  );
  const models = providers.map((provider, i) => {
    const { baseURL } = servers.use(provider.listen());
    return openaiModel({ model: PROVIDERS[i]!, baseURL });
  });
  const journal = createJournal();
  const forever = journal.watch(new AbortController().signal);
  const world = { models, journal, forever };

  const endings: Record<string, number> = {};
  let before = { requests: 0, bytes: 0 };
  let bytesPerRequest = 0;
  for (const _half of [1, 2]) {
    // All lanes take their plans out of one hat.
    const plans = Array.from({ length: CALLS / 2 }, anyPlan).values();
    const lane = async () => {
      for (const plan of plans) {
        const ending = await call(world, plan);
        endings[ending] = (endings[ending] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    const after = { requests: callsOf(providers).length, bytes: heapHeld() };
    bytesPerRequest = (after.bytes - before.bytes) /
      (after.requests - before.requests);
    before = after;
  }

  const calls = callsOf(providers);
  await deadline(Promise.all(calls.map(({ closed }) => closed)), 5000);
  assertEquals(calls.filter(({ outcome }) => outcome === "pending"), []);
  assertEquals(
    Object.keys(endings).sort(),
    ["aborted", "answered", "failed", "interrupted", "left"],
  );
  journal.assertClean();
  // In the second half. The providers keep a record of each, below 2 KiB.
  assertLess(bytesPerRequest, 4 * 1024);
});

Deno.test("R10 over HTTP: a stalled answer is closed at once, also when garbage was collected meanwhile", async () => {
  const provider = fakeProvider(["Hel", step.hang()]);
  await using server = provider.listen();
  const models = [openaiModel({ model: "m", baseURL: server.baseURL })];
  const stream = await fallbackStream(models, request);
  await stream.next();
  const pending = stream.next();
  // A fetch of Deno's may forget its signal then, and never end the read.
  for (let i = 0; i < 2; i++) {
    await delay(5);
    heapHeld();
  }
  await stream.return();
  assertEquals(await pending, { done: true, value: undefined });
  assertEquals("closeError" in stream.attempts[0]!, false);
  await deadline(provider.calls[0]!.closed, 5000);
});
