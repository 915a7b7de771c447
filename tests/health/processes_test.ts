// Four processes over one SQLite file, and a provider that goes down and comes
// back: what each of them asks of it is counted where it arrives. They call all
// the time on the real clock; nothing but cool-downs is waited for.

import { type CircuitSnapshot, kvHealth } from "@fallback/stream/kv";
import {
  fakeProvider,
  type ProviderCall,
  step,
  wire,
} from "@fallback/stream/testing";
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { serveHttp } from "../../src/testing/_http_server.ts";
import type { Child } from "../_child.ts";
import { temporaryFolder } from "../_temporary_folder.ts";
import { type Call, type CallerSettings, startIsolate } from "./_isolate.ts";

const NAMES = ["ann", "ben", "cleo", "dan"];
const COOLDOWN_MS = 1500;
const CACHE_MS = 200;
/** How long the primary takes to answer, or to refuse. */
const ANSWER_MS = 200;
/** What a machine that is busy may take, beyond what is promised. */
const MARGIN_MS = 600;
const SETTLED_MS = CACHE_MS + MARGIN_MS;

// No process sees more than one of the failures that open the circuit.
const health = {
  failures: NAMES.length,
  cooldownMs: COOLDOWN_MS,
  cacheMs: CACHE_MS,
};

/** A request that has arrived at the primary. */
interface Arrival {
  readonly name: string;
  readonly at: number;
}

/** A primary that can be repaired, over HTTP. */
function primary(arrivals: Arrival[]) {
  const onCall = ({ body }: ProviderCall) => {
    arrivals.push({ name: Object(body).user, at: Date.now() });
  };
  const down = fakeProvider([step.wait(ANSWER_MS), wire.status(503)], {
    onCall,
  });
  const up = fakeProvider([step.wait(ANSWER_MS), "Hello"], { onCall });
  let provider = down;
  const server = serveHttp((request) => provider.fetch(request));
  return {
    baseURL: `${server.url}/v1`,
    repair: () => provider = up,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Calls that a process makes one after the other, two at a time, until told. */
async function callUntil(
  signal: AbortSignal,
  child: Child,
  times: { next: number },
): Promise<readonly Call[]> {
  const calls: Call[] = [];
  while (!signal.aborted) {
    calls.push(...await child.tell("call 2") as Call[]);
    // All are there at the moment when a cool-down is over.
    const left = times.next - Date.now();
    await delay(left > 0 ? Math.min(left, 25) : 25);
  }
  return calls;
}

Deno.test("R21 four processes over one SQLite file skip together, send one probe, and come back together", async () => {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const path = `${folder.path}/health.sqlite`;
  const arrivals: Arrival[] = [];
  const first = cleanup.use(primary(arrivals));
  const second = cleanup.use(fakeProvider(["Hello"]).listen());
  const baseUrls = [first.baseURL, second.baseURL];
  const children = NAMES.map((name) => {
    const settings: CallerSettings = { name, path, baseUrls, health };
    return cleanup.use(startIsolate("_isolate.ts", settings));
  });
  await Promise.all(children.map((child) => child.tell("ready")));
  using kv = await Deno.openKv(path);
  const { snapshot } = kvHealth(kv, health);
  const stored = async (
    state: CircuitSnapshot["state"],
    failures: number,
  ): Promise<CircuitSnapshot> => {
    for (;; await delay(20)) {
      const [circuit] = await snapshot();
      if (circuit?.state === state && circuit.failures === failures) {
        return circuit;
      }
    }
  };
  const within = <T>(promise: Promise<T>) => deadline(promise, 10_000);

  // Each of them sees one failure.
  await Promise.all(children.map((child) => child.tell("call 1")));
  assertEquals(arrivals.map(({ name }) => name).sort(), NAMES);
  const opened = await within(stored("open", NAMES.length));

  const stop = new AbortController();
  const times = { next: opened.retryAt! };
  const calling = Promise.all(
    children.map((child) => callUntil(stop.signal, child, times)),
  );
  const called = calling.then(() => {}, () => {}); // thrown below
  cleanup.defer(() => {
    stop.abort();
    return called;
  });
  const reopened = await within(stored("open", NAMES.length + 1));
  times.next = reopened.retryAt!;
  first.repair();
  await within(stored("closed", 0));
  await delay(SETTLED_MS + 300);
  stop.abort();
  const calls = await calling;
  for (const child of children) assert((await child.end()).success);

  const arrivedIn = (from: number, to: number) =>
    arrivals.filter(({ at }) => at >= from && at < to);
  const startedIn = (calls: readonly Call[], from: number, to: number) =>
    calls.filter(({ startedAt: at }) => at >= from && at < to);
  const openedAt = opened.retryAt! - COOLDOWN_MS;
  const probes = arrivedIn(opened.retryAt!, reopened.retryAt!);
  const lastProbe = arrivedIn(reopened.retryAt!, Infinity)[0]!;
  const closedAt = lastProbe.at + ANSWER_MS;

  // Skipped by all, also by those that had seen one failure only.
  assertEquals(arrivedIn(openedAt + SETTLED_MS, opened.retryAt!), []);
  // One probe, and one more after twice the time.
  assertEquals(probes.length, 1);
  const secondCooldown = reopened.retryAt! - probes[0]!.at;
  assertGreaterOrEqual(secondCooldown, ANSWER_MS + 2 * COOLDOWN_MS);
  assertLess(secondCooldown, ANSWER_MS + 2 * COOLDOWN_MS + MARGIN_MS);
  assertEquals(arrivedIn(reopened.retryAt!, closedAt), [lastProbe]);
  for (const own of calls) {
    const skipping = startedIn(own, openedAt + SETTLED_MS, opened.retryAt!);
    assertGreater(skipping.length, 0);
    for (const { outcomes } of skipping) {
      assertEquals(outcomes, ["skipped", "completed"]);
    }
    const back = startedIn(own, closedAt + SETTLED_MS, Infinity);
    assertGreater(back.length, 0);
    for (const { outcomes } of back) assertEquals(outcomes, ["completed"]);
  }
});
