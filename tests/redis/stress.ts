/**
 * Four processes use one real server as fast as they can, while the server and a
 * process are paused and killed. Prints the results, and exits with code 1 if a
 * check fails. `--seconds=30` is the total duration.
 *
 * @module
 */

import { redisHealth } from "@fallback/stream/redis";
import { delay } from "@std/async/delay";
import { type Child, startChild } from "../_child_process.ts";
import { connect } from "./_client.ts";
import { startRedis } from "./_server.ts";
import {
  COOLDOWN_MS,
  COUNTING,
  type Observations,
  type Probe,
  type WorkerSettings,
} from "./_worker.ts";

const SECONDS = Number(/--seconds=(\d+)/.exec(Deno.args.join(" "))?.[1] ?? 30);
const HALF = SECONDS / 2;
/** This long after the server's restart, the processes share one probe again. */
const SETTLED_MS = 1500;

/** A store that waits longer admits a probe of its own, in milliseconds. */
const ADMIT_LIMIT_MS = 190;

let failedChecks = 0;
function check(ok: boolean, message: string): void {
  console.log(`${ok ? "ok    " : "FAILED"} ${message}`);
  if (!ok) failedChecks++;
}

await using server = await startRedis();
await using cleanup = new AsyncDisposableStack();
const workers: Child[] = ["ann", "ben", "cleo", "dan", "eve"].map((name) => {
  const settings: WorkerSettings = { name, port: server.port };
  const url = new URL("_worker.ts", import.meta.url);
  const options = { flags: ["-A"], timeoutMs: 120_000 };
  return cleanup.use(startChild(url, settings, options));
});
await Promise.all(workers.map((worker) => worker.send("ready")));
const four = workers.slice(0, 4);

// Every report counts once while the server hangs and connections break.
const counting = Promise.all(
  four.map((worker) => worker.send(`count ${HALF}`)),
) as Promise<Observations[]>;
await delay(HALF * 300);
server.pause();
await delay(1500);
server.resume();
await delay(HALF * 200);
{
  await using admin = await connect(server.port);
  console.log(
    "connections broken:",
    await admin.send(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]),
  );
}
const counted = await counting;
await Promise.all(four.map((worker) => worker.send("flush")));
await using client = await connect(server.port);
const circuits = await redisHealth(client.send, COUNTING).snapshot();
const stored = circuits.find(({ model }) => model === "model")?.failures;
const reports = counted.reduce((sum, each) => sum + each.reports, 0);
check(stored === reports, `${reports} reports, ${stored} stored`);
checkWaits("counting", counted);

// One probe is running at a time while the server and a process are killed.
const probing = Promise.all(
  four.map((worker) => worker.send(`probe ${HALF}`)),
) as Promise<Observations[]>;
await delay(2000);
const { at: heldAt } = await workers[4]!.send("hold") as { at: number };
await workers[4]![Symbol.asyncDispose](); // SIGKILL, with the probe running
await delay(HALF * 200);
const killedAt = Date.now();
await server.kill();
await delay(2000);
await server.restart();
const returnedAt = Date.now();
const probed = await probing;
checkWaits("probing", probed);

const probes = probed.flatMap((each) => each.probes)
  .sort((a, b) => a.at - b.at);
// A process without a reply within 200 ms sends a probe of its own, by design.
const isShared = ({ at, admitMs }: Probe) =>
  admitMs < ADMIT_LIMIT_MS && at > probes[0]!.at + SETTLED_MS &&
  (at < killedAt || at > returnedAt + SETTLED_MS);
const gaps: number[] = [];
for (let i = 1; i < probes.length; i++) {
  const [before, after] = [probes[i - 1]!, probes[i]!];
  if (isShared(before) && isShared(after)) gaps.push(after.at - before.at);
}
const least = Math.min(...gaps);
check(
  least >= COOLDOWN_MS,
  `${
    gaps.length + 1
  } probes while the server was up; at least ${least} ms apart, cooldown ${COOLDOWN_MS} ms`,
);
const next = probes.find(({ at }) => at > heldAt);
const afterHeld = (next?.at ?? Infinity) - heldAt;
check(
  afterHeld >= COOLDOWN_MS - 20 && afterHeld < 4 * COOLDOWN_MS,
  `the next probe started ${afterHeld} ms after the probe of the killed process`,
);
const unshared = probes.filter(({ at }) => at > killedAt && at < returnedAt);
console.log(`       ${unshared.length} probes in 2 s without the server`);
const late = probes.filter(({ admitMs }) => admitMs >= ADMIT_LIMIT_MS);
console.log(`       ${late.length} probes without a reply in time`);
if (failedChecks > 0) Deno.exitCode = 1; // Set after the server has stopped.

function checkWaits(
  phase: string,
  observations: readonly Observations[],
): void {
  const calls = observations.reduce((sum, each) => sum + each.calls, 0);
  const thrown = observations.reduce((sum, each) => sum + each.thrown, 0);
  check(thrown === 0, `${phase}: ${calls} calls, ${thrown} of them failed`);
  for (const { worstAdmitMs, worstLatenessMs } of observations) {
    const [wait, late] = [worstAdmitMs, worstLatenessMs].map(Math.round);
    check(
      wait! <= 250 + late!,
      `${phase}: longest wait ${wait} ms, a timer was late by ${late} ms`,
    );
  }
}
