/**
 * Runs gateways against sixteen faults of a provider, and prints which faults each
 * gateway handles: `deno task faults [--full] [--ours]`.
 *
 * In the fast timing, everything takes a tenth of the time. `--full` takes about
 * three minutes. `--ours` leaves Portkey's gateway out, which is installed from
 * npm and needs Node.
 *
 * @module
 */

import { FAULTS, type Timing } from "./_faults.ts";
import { type Gateway, ours, portkey } from "./_gateways.ts";
import { type Result, runFault } from "./_run_fault.ts";

const timing: Timing = Deno.args.includes("--full")
  ? { name: "full", factor: 1 }
  : { name: "fast", factor: 10 };

const gateways: Gateway[] = [ours()];
if (!Deno.args.includes("--ours")) gateways.push(await portkey());

let hasFailed = false;
try {
  const passed = gateways.map(() => 0);
  console.log(`Sixteen faults, streaming, in the ${timing.name} timing`);
  for (const [number, fault] of FAULTS.entries()) {
    const results = await Promise.all(
      gateways.map((gateway) => runFault(gateway, fault, timing)),
    );
    results.forEach((result, i) => passed[i]! += result.passed ? 1 : 0);
    hasFailed ||= !results[0]!.passed;
    console.log(`${String(number + 1).padStart(2)} ${fault.name}`);
    for (const [i, result] of results.entries()) {
      console.log(`   ${gateways[i]!.name.padEnd(18)} ${describe(result)}`);
    }
  }
  for (const [i, { name }] of gateways.entries()) {
    console.log(`${name}: ${passed[i]} of ${FAULTS.length}`);
  }
} finally {
  for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
}
Deno.exit(hasFailed ? 1 : 0);

function describe(result: Result): string {
  const { passed, seen, primaryCalls, fallbackCalls, worksAfterwards } = result;
  const last = seen.at(-1)!;
  const end = last.failed
    ? `error ${last.errorCode ?? last.status}`
    : last.done
    ? "complete"
    : "ends without [DONE]";
  return [
    passed ? "pass" : "FAIL",
    `${end}, ${last.text.split(" ").filter(Boolean).length} tokens`,
    `${last.ms} ms, longest gap ${last.gapMs} ms`,
    `requests ${primaryCalls} + ${fallbackCalls}`,
    ...(result.recoveredMs === undefined
      ? []
      : [`back after ${Math.round(result.recoveredMs / 100) / 10} s`]),
    ...(worksAfterwards ? [] : ["broken afterwards"]),
  ].join(", ");
}
