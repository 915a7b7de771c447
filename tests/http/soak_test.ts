// Makes hundreds of calls in real time over real connections, hundreds at once,
// with every kind of failure. Each call must get the complete answer of one
// provider or a known error, and nothing may stay open.

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
import { below, oneOf, random } from "../../bench/_random.ts";
import { soon } from "../_soon.ts";
import { heapUsedAfterGc } from "../_heap_used.ts";
import {
  answerOf,
  completions,
  failuresAfterContent,
  failuresBeforeContent,
  hangsBeforeContent,
  preamble,
} from "../_wire_faults.ts";

const CALLS = 800;
const CONCURRENCY = 200;
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

/** The event of a text, split into several packets. */
function inPieces(content: string): Uint8Array<ArrayBuffer>[] {
  const data = JSON.stringify({ choices: [{ delta: { content } }] });
  const bytes = wire.raw(`data: ${data}\n\n`);
  // The last split is inside a character of three bytes.
  const offsets = [0, below(draw, 5), bytes.indexOf(0xe2) + 1, bytes.length];
  return offsets.slice(1).map((end, i) => bytes.slice(offsets[i], end));
}

/** The script of a provider for one request. */
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
  const texts = answerOf(provider);
  const isTruncated = chance(0.15);
  if (isTruncated) texts.length = 1 + below(draw, texts.length - 1);
  while (texts.length > 0) {
    if (chance(0.2)) script.push(step.wait(below(draw, 10)));
    if (chance(0.1)) script.push(wire.raw(": still here\n\n"));
    const group = texts.splice(0, 1 + below(draw, 3));
    const packets = chance(0.3) && group.flatMap(inPieces);
    script.push(...(packets || [wire.packet(...group)]));
  }
  return [
    ...script,
    ...oneOf(draw, isTruncated ? failuresAfterContent : completions),
  ];
}

const PROVIDERS = ["alpha", "beta", "gamma"] as const;
const LINE_ENDS = ["\n", "\r\n", "\r"] as const;

/** What one caller does. All plans are drawn before the calls start. */
interface Plan {
  /** The index of the first provider in the chain. */
  readonly first: number;
  /** After how many milliseconds the caller aborts. */
  readonly abortMs: number | undefined;
  /** How the caller closes the stream early; `undefined` to read all of it. */
  readonly closeEarly: ((stream: Stream) => PromiseLike<unknown>) | undefined;
}

type Stream = FallbackStream<ChatChunk>;

const waysToClose: readonly ((stream: Stream) => PromiseLike<unknown>)[] = [
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
  closeEarly: chance(0.15) ? oneOf(draw, waysToClose) : undefined,
});

/** What all calls share. */
interface Setup {
  readonly models: readonly ReturnType<typeof openaiModel>[];
  readonly journal: Journal;
  /** A signal that never aborts. */
  readonly neverAborts: AbortSignal;
}

/** Makes one call, and returns how it ended. */
async function call(
  { models, journal, neverAborts }: Setup,
  { first, abortMs, closeEarly }: Plan,
): Promise<"complete" | "closed" | "aborted" | "failed" | "interrupted"> {
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
        signal: aborts ? journal.watch(controller.signal) : neverAborts,
        timeouts,
      },
    );
    attempts = stream.attempts;
    if (closeEarly) {
      await closeEarly(stream);
      return "closed";
    }
    for await (const chunk of stream) text += textOf(chunk);
    assertEquals(text, answerOf(stream.model).join(""));
    return "complete";
  } catch (error) {
    if (error === reason) return "aborted";
    attempts = attemptsOf(error);
    if (error instanceof AllModelsFailedError) {
      assertEquals(error.errors.length, models.length);
      error.errors.forEach(assertKnown);
      return "failed";
    }
    assertKnown(error);
    return "interrupted";
  } finally {
    clearTimeout(aborting);
    const lastModel = attempts.at(-1)?.model ?? "";
    assert(answerOf(lastModel).join("").startsWith(text));
    for (const [i, { outcome, ...record }] of attempts.entries()) {
      if (i < attempts.length - 1) assertEquals(outcome, "failed");
      assertEquals("closeError" in record, false);
    }
  }
}

/** Rethrows all but errors of a provider, of timeouts and of a lost connection. */
function assertKnown(error: unknown): void {
  const isKnown = [
    HttpError,
    StreamError,
    EmptyStreamError,
    TruncatedStreamError,
    ModelTimeoutError,
  ].some((kind) => error instanceof kind);
  const isConnectionLost = error instanceof TypeError &&
    /^(fetch failed|error (sending request|reading a body))/.test(
      error.message,
    );
  if (!isKnown && !isConnectionLost) throw error;
}

const callsOf = (providers: readonly FakeProvider[]) =>
  providers.flatMap(({ calls }) => calls);

const textOf = ({ choices }: ChatChunk) => choices[0]?.delta?.content ?? "";

Deno.test("fallbackStream() over HTTP gives each of 800 calls one complete answer or a known error, and leaves nothing open", async () => {
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
  const neverAborts = journal.watch(new AbortController().signal);
  const setup = { models, journal, neverAborts };

  const endings: Record<string, number> = {};
  let before = { requests: 0, bytes: 0 };
  let bytesPerRequest = 0;
  for (const _half of [1, 2]) {
    // All workers take their plans from one iterator.
    const plans = Array.from({ length: CALLS / 2 }, anyPlan).values();
    const worker = async () => {
      for (const plan of plans) {
        const ending = await call(setup, plan);
        endings[ending] = (endings[ending] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    const after = {
      requests: callsOf(providers).length,
      bytes: heapUsedAfterGc(),
    };
    bytesPerRequest = (after.bytes - before.bytes) /
      (after.requests - before.requests);
    before = after;
  }

  const calls = callsOf(providers);
  await deadline(Promise.all(calls.map(({ closed }) => closed)), 60_000);
  assertEquals(calls.filter(({ outcome }) => outcome === "pending"), []);
  assertEquals(
    Object.keys(endings).sort(),
    ["aborted", "closed", "complete", "failed", "interrupted"],
  );
  journal.assertClean();
  // Measured in the second half. Of this, the fake providers keep up to 2 KiB of
  // records per request.
  assertLess(bytesPerRequest, 4 * 1024);
});

Deno.test("return() closes a stalled HTTP stream at once, also after a garbage collection (R10)", async () => {
  const provider = fakeProvider(["Hel", step.hang()]);
  await using server = provider.listen();
  const models = [openaiModel({ model: "m", baseURL: server.baseURL })];
  const stream = await fallbackStream(models, request);
  await stream.next();
  const pending = stream.next();
  // After a collection Deno's fetch may lose its signal, and then the read hangs.
  for (let i = 0; i < 2; i++) {
    await delay(5);
    heapUsedAfterGc();
  }
  await stream.return();
  assertEquals(await pending, { done: true, value: undefined });
  assertEquals("closeError" in stream.attempts[0]!, false);
  await soon(provider.calls[0]!.closed);
});
