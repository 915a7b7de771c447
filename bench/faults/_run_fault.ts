// Runs one gateway against one fault.

import { fakeProvider, wire, type WireScript } from "@fallback/stream/testing";
import { delay } from "@std/async/delay";
import { call, type Seen } from "./_client.ts";
import { type Fault, HEALTHY, type Outcome, type Timing } from "./_faults.ts";
import type { Gateway, Route } from "./_gateways.ts";
import { ANSWER, startProvider } from "./_provider.ts";

const DOWN_MS = 60_000;
const CALLS = 20;
const APART_MS = 4000;

/** The result of one fault. */
export interface Result extends Outcome {
  readonly passed: boolean;
  /** Whether a call to a healthy provider worked afterwards. */
  readonly worksAfterwards: boolean;
}

/** Runs one fault. */
export async function runFault(
  gateway: Gateway,
  fault: Fault,
  timing: Timing,
): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const fallback = stack.use(
    startProvider("fallback", fault.refusesPrefill ?? false),
  );
  const healthy = stack.use(startProvider("healthy", false));
  const primary = fault.flaps
    ? flapping(timing)
    : fakeProvider({ scripts: fault.scripts(timing) });
  const { baseURL } = stack.use(primary.listen());
  const route = stack.use(gateway.open({
    primary: baseURL,
    fallback: fallback.baseURL,
    healthy: healthy.baseURL,
  }, timing));
  const limitMs = 60_000 / Math.min(timing.factor, 4);
  const outcome = fault.flaps
    ? await runFlapping(route, timing, limitMs)
    : { seen: [await call(route.url, route.headers.chain, "chain", limitMs)] };
  const { calls: fallbackCalls } = fallback;
  const counted = {
    ...outcome,
    primaryCalls: primary.calls.length,
    fallbackCalls,
  };
  const after = await call(
    route.url,
    route.headers.healthy,
    "healthy",
    limitMs,
  );
  const worksAfterwards = after.done && after.text === ANSWER;
  const passed = worksAfterwards && fault.passes(counted, timing);
  return { ...counted, worksAfterwards, passed };
}

/** A provider that refuses everything for a while. */
function flapping({ factor }: Timing): ReturnType<typeof fakeProvider> {
  const startedAt = Date.now();
  const down: WireScript = [wire.status(503, { body: { error: "down" } })];
  const provider = fakeProvider(HEALTHY);
  const broken = fakeProvider(down);
  const isDown = () => Date.now() - startedAt < DOWN_MS / factor;
  return {
    get calls() {
      return [...broken.calls, ...provider.calls];
    },
    fetch: (input, init) =>
      isDown() ? broken.fetch(input, init) : provider.fetch(input, init),
    listen: () => {
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        (request) => isDown() ? broken.fetch(request) : provider.fetch(request),
      );
      const url = `http://127.0.0.1:${server.addr.port}`;
      return {
        url,
        baseURL: `${url}/v1`,
        [Symbol.asyncDispose]: () => server.shutdown(),
      };
    },
  };
}

async function runFlapping(
  { url, headers }: Route,
  { factor }: Timing,
  limitMs: number,
): Promise<Pick<Outcome, "seen" | "recoveredMs">> {
  const startedAt = Date.now();
  const seen: Seen[] = [];
  let recoveredMs: number | undefined;
  for (let i = 0; i < CALLS; i++) {
    await delay(startedAt + i * APART_MS / factor - Date.now());
    const result = await call(url, headers.chain, "chain", limitMs);
    seen.push(result);
    if (result.model === "primary") {
      recoveredMs ??= (Date.now() - startedAt) * factor - DOWN_MS;
    }
  }
  return { seen, recoveredMs };
}
