/**
 * Four processes over one real server, as fast as they can, while the server
 * and a process are stopped and killed. Prints what was seen and ends with code
 * 1 if a promise was broken. `--seconds=30` is how long it takes in all.
 *
 * @module
 */

import { redisHealth } from "@fallback/stream/redis";
import { delay } from "@std/async/delay";
import { type Child, start } from "../_child_process.ts";
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
/** From then on after the server has returned, one probe goes out in all. */
const SETTLED_MS = 1500;

/** A store that waits longer than this goes on alone, in milliseconds. */
const ALONE_MS = 190;

const broken: string[] = [];
function expect(ok: boolean, promise: string): void {
  console.log(`${ok ? "ok    " : "BROKEN"} ${promise}`);
  if (!ok) broken.push(promise);
}

await using server = await startRedis();
await using cleanup = new AsyncDisposableStack();
const workers: Child[] = ["ann", "ben", "cleo", "dan", "eve"].map((name) => {
  const settings: WorkerSettings = { name, port: server.port };
  const url = new URL("_worker.ts", import.meta.url);
  const options = { flags: ["-A"], timeoutMs: 120_000 };
  return cleanup.use(start(url, settings, options));
});
await Promise.all(workers.map((worker) => worker.send("ready")));
const four = workers.slice(0, 4);

// Every report counts once, though the server hangs and connections break.
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
expect(stored === reports, `${reports} reports, ${stored} stored`);
checkWaits("counting", counted);

// One probe at a time, though the server and a process are killed.
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
// A process without an answer within 200 ms sends a probe of its own, by design.
const isShared = ({ at, admitMs }: Probe) =>
  admitMs < ALONE_MS && at > probes[0]!.at + SETTLED_MS &&
  (at < killedAt || at > returnedAt + SETTLED_MS);
const gaps: number[] = [];
for (let i = 1; i < probes.length; i++) {
  const [before, after] = [probes[i - 1]!, probes[i]!];
  if (isShared(before) && isShared(after)) gaps.push(after.at - before.at);
}
const least = Math.min(...gaps);
expect(
  least >= COOLDOWN_MS,
  `${
    gaps.length + 1
  } probes while the server was up; the least time between two: ${least} ms of ${COOLDOWN_MS}`,
);
const next = probes.find(({ at }) => at > heldAt);
const afterHeld = next!.at - heldAt;
expect(
  afterHeld >= COOLDOWN_MS - 20 && afterHeld < 4 * COOLDOWN_MS,
  `the next probe came ${afterHeld} ms after that of the process that was killed`,
);
const alone = probes.filter(({ at }) => at > killedAt && at < returnedAt);
console.log(`       ${alone.length} probes in 2 s without the server`);
const late = probes.filter(({ admitMs }) => admitMs >= ALONE_MS);
console.log(`       ${late.length} probes without an answer in time`);
if (broken.length > 0) Deno.exitCode = 1; // after the server has stopped

function checkWaits(
  phase: string,
  observations: readonly Observations[],
): void {
  const calls = observations.reduce((sum, each) => sum + each.calls, 0);
  const thrown = observations.reduce((sum, each) => sum + each.thrown, 0);
  expect(thrown === 0, `${phase}: ${calls} calls, ${thrown} of them failed`);
  for (const { worstAdmitMs, worstLatenessMs } of observations) {
    const [wait, late] = [worstAdmitMs, worstLatenessMs].map(Math.round);
    expect(
      wait! <= 250 + late!,
      `${phase}: longest wait ${wait} ms, a timer was late by ${late} ms`,
    );
  }
}
